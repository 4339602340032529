import fp from 'fastify-plugin'
import { Problem } from '../../domain/problem.ts'
import { scanJson } from '../../lib/scan-json.ts'

/** Twice as deep as any valid body. */
const DEPTH_MAX = 16

/**
 * Bodies are JSON as RFC 8259 has it between systems: UTF-8, and every name once. What is wrong is answered with where,
 * and with nothing of the body. A client that sets its media type once and for all sends it with requests that have no
 * body, too: then there is none. Where an operation needs a body, its schema says so.
 */
export const jsonBodies = fp(
  async (app) => {
    const parse = app.getDefaultJsonParser('error', 'error')
    app.removeContentTypeParser('application/json')
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
      try {
        assertUtf8(request.headers['content-type'] ?? '')
        const text = decode(bytes as Buffer)
        if (text === '') return done(null, undefined)
        const fault = scanJson(text, DEPTH_MAX)
        if (fault !== null) throw malformed(`The body ${fault.detail}.`, fault.position)
        void parse(request, text, done)
      } catch (error) {
        done(error as Error)
      }
    })
  },
  { name: 'json-bodies' },
)

/** JSON has no parameters, but clients name the only charset it has. */
function assertUtf8(contentType: string): void {
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(contentType)?.[1]
  if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset))
    throw new Problem('unsupported-media-type', { detail: 'JSON is encoded as UTF-8.' })
}

/** Without a byte order mark, which may be ignored. */
function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new Problem('malformed-body', { detail: 'The body is not UTF-8.', cause })
  }
}

function malformed(detail: string, position: number): Problem {
  return new Problem('malformed-body', { detail, extensions: { position } })
}
