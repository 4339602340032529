import fp from 'fastify-plugin'
import { Problem } from '../../domain/problem.ts'

/** Far above what any operation takes; the parser's limit for all headers together is `HEADER_BYTES_MAX`. */
const [URL_LENGTH_MAX, HEADERS_MAX] = [4096, 64]
/** Of a request's line and its headers; beyond it node answers by itself (`answerBrokenRequest`). */
export const HEADER_BYTES_MAX = 16 * 1024

/** Refuses requests that are too large before anything else is done for them. */
export const requestSizes = fp(
  async (app) => {
    // Node leaves out headers beyond its own limit, which is higher, without a word.
    app.server.maxHeadersCount = HEADERS_MAX * 2
    app.addHook('onRequest', (request, _reply, done) => {
      const { url = '', rawHeaders } = request.raw
      // Names and values take turns.
      if (rawHeaders !== undefined && rawHeaders.length / 2 > HEADERS_MAX)
        return done(new Problem('headers-too-large'))
      done(url.length > URL_LENGTH_MAX ? new Problem('uri-too-long') : undefined)
    })
  },
  { name: 'request-sizes' },
)
