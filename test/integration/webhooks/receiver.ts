import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Arrival {
  id: string
  headers: Record<string, string>
  body: string
  /** Whether it was answered with 200. */
  accepted: boolean
}

/** What a receiver does with a request: a status with headers, now or later, or nothing at all, or it hangs up. */
export type Behaviour = (
  request: IncomingMessage,
) =>
  | { status: number; headers?: Record<string, string>; text?: string; after?: Promise<void> }
  | 'hang'
  | 'hang-up'

/** A webhook receiver on loopback, with a list of what has arrived in the order in which it did. */
export async function receiver(behave: Behaviour = () => ({ status: 200 })) {
  const arrivals: Arrival[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const behaviour = behave(request)
    if (behaviour === 'hang-up') return void request.socket.destroy()
    const headers = request.headers as Record<string, string>
    const accepted = behaviour !== 'hang' && behaviour.status === 200
    const body = Buffer.concat(chunks).toString()
    arrivals.push({ id: headers['webhook-id'] ?? '', headers, body, accepted })
    if (behaviour === 'hang') return
    await behaviour.after
    response.writeHead(behaviour.status, behaviour.headers).end(behaviour.text)
  }
  // A sender that gives up in the middle is no concern of the receiver's.
  const server = createServer((request, response) => void answer(request, response).catch(() => {}))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/hook`, arrivals }
}
