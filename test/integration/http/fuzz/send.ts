import { type Agent, request } from 'node:http'
import type { FuzzedRequest } from './requests.ts'

export interface Answer {
  status: number
  mediaType: string
  text: string
}

const PATIENCE_SECONDS = 10

/** Sends the request as it is. @throws when the server hangs, or ends the connection without an answer */
export function send(
  agent: Agent,
  port: number,
  { method, target, headers, body }: FuzzedRequest,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // Otherwise a body of a GET is taken for the next request.
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
    const options = {
      agent,
      port,
      host: '127.0.0.1',
      method,
      path: target,
      headers: { ...length, ...headers },
    }
    const outgoing = request(options)
    const late = setTimeout(() => outgoing.destroy(new Error('no answer')), PATIENCE_SECONDS * 1000)
    outgoing.once('error', (error) => {
      clearTimeout(late)
      reject(error)
    })
    outgoing.once('response', (response) => {
      const mediaType = response.headers['content-type'] ?? ''
      const answer = (text: string) => {
        clearTimeout(late)
        resolve({ status: response.statusCode ?? 0, mediaType, text })
      }
      // A stream has no end to wait for.
      if (mediaType.startsWith('text/event-stream')) {
        answer('')
        return void outgoing.destroy()
      }
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => void chunks.push(chunk))
      response.once('end', () => answer(Buffer.concat(chunks).toString()))
    })
    outgoing.end(body)
  })
}
