import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'

export interface Received {
  id: string
  type: string
  data: { id: string; type: string; data: Record<string, unknown> }
}

/** One connection to the stream of events, as a browser's EventSource reads it (HTML standard, 9.2.6). */
export interface Connection {
  status: number
  headers: http.IncomingHttpHeaders
  /** The last id that was complete when it came. */
  lastId: () => string | undefined
  /** Whether the other side has ended it in good order. */
  endedWell: () => boolean
  isClosed: () => boolean
  cut: () => void
  pause: () => void
  resume: () => void
}

type AnyServer = Pick<FastifyInstance, 'server'>

export function listening(app: unknown): Promise<string> {
  return (app as FastifyInstance).listen({ port: 0, host: '127.0.0.1' })
}

export async function connect(
  app: unknown,
  secret: string,
  { query = '', lastEventId }: { query?: string; lastEventId?: string | undefined },
  onEvent: (event: Received) => void,
): Promise<Connection> {
  const { port } = (app as AnyServer).server.address() as AddressInfo
  const headers = {
    authorization: `Bearer ${secret}`,
    ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
  }
  const request = http.get({ port, path: `/v1/events/stream${query}`, headers, agent: false })
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    request.once('error', reject)
  })
  request.on('error', () => {})
  response.on('error', () => {})
  const state = { lastId: undefined as string | undefined, endedWell: false, isClosed: false }
  let text = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = new Map(
        text
          .slice(0, end)
          .split('\n')
          .map((line) => [line.split(': ', 1)[0] ?? '', line.slice(line.indexOf(': ') + 2)]),
      )
      text = text.slice(end + 2)
      const [id, type, data] = [fields.get('id'), fields.get('event'), fields.get('data')]
      state.lastId = id ?? state.lastId
      if (id !== undefined && type !== undefined && data !== undefined)
        onEvent({ id, type, data: JSON.parse(data) })
    }
  })
  response.once('end', () => {
    state.endedWell = response.complete
  })
  response.once('close', () => {
    state.isClosed = true
  })
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    lastId: () => state.lastId,
    endedWell: () => state.endedWell,
    isClosed: () => state.isClosed,
    cut: () => request.destroy(),
    pause: () => void response.pause(),
    resume: () => void response.resume(),
  }
}
