import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { startApi } from './test-api.ts'

/** What the API answers to these bytes. */
async function answerTo(bytes: string): Promise<{ head: string; body: Record<string, unknown> }> {
  const { app, logged } = await startApi()
  const address = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const socket = connect(Number(address.port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write(bytes)
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n')
  expect(logged()).not.toContain('"level":50')
  return { head, body: JSON.parse(body) }
}

test.each([
  ['no HTTP at all', 'hello\r\n\r\n', 400, 'malformed-request'],
  [
    'a length that is no number',
    'POST /v1/addons HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n',
    400,
    'malformed-request',
  ],
  [
    'headers beyond all measure',
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`,
    431,
    'headers-too-large',
  ],
  [
    'a path that climbs out of the documentation',
    'GET /docs/static/../../package.json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    404,
    'route-not-found',
  ],
] as const)('%s is answered with a problem', async (_name, bytes, status, code) => {
  const { head, body } = await answerTo(bytes)
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  expect(head.toLowerCase()).toContain('content-type: application/problem+json')
  expect(body).toMatchObject({ type: `https://undrop.dev/problems/${code}`, status })
})
