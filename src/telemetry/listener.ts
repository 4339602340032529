import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { METRICS_MEDIA_TYPE } from './metrics.ts'
import { type Checks, failedChecks } from './readiness.ts'

export interface ListenerOptions {
  host: string
  port: number
  checks: Checks
  /** In Prometheus' text format. */
  metrics: () => Promise<string>
}

export interface Listener {
  port: number
  close(): Promise<void>
}

/** /healthz, /readyz and /metrics of a process that serves nothing else. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const server = createServer((request, response) => {
    void answer(options, request.url ?? '', response).catch(() => send(response, 500, 'failed'))
  })
  server.listen({ host: options.host, port: options.port })
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('BUG: a TCP server has a port')
  return {
    port: address.port,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function answer({ checks, metrics }: ListenerOptions, url: string, response: ServerResponse) {
  switch (url) {
    case '/healthz':
      return send(response, 200, '{"status":"ok"}', 'application/json')
    case '/readyz': {
      const failed = (await failedChecks(checks)).map(({ name }) => name)
      const [status, body] = failed.length === 0 ? [200, { status: 'ready' }] : [503, { failed }]
      return send(response, status, JSON.stringify(body), 'application/json')
    }
    case '/metrics':
      return send(response, 200, await metrics(), METRICS_MEDIA_TYPE)
    default:
      return send(response, 404, 'not found')
  }
}

function send(response: ServerResponse, status: number, body: string, mediaType = 'text/plain'): void {
  if (!response.headersSent) response.writeHead(status, { 'content-type': mediaType })
  response.end(body)
}
