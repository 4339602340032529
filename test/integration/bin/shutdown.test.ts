import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import { PLATFORM_KEY, startProcess, type TestProcess } from './processes.ts'

const agent = new Agent({ keepAlive: true })

/** Sends the head and the beginning of a request to make a tenant; the rest when it is told to. */
async function beginRequest({ url }: TestProcess) {
  const body = JSON.stringify({ name: 'late' })
  const headers = {
    authorization: `Bearer ${PLATFORM_KEY}`,
    'content-type': 'application/json',
    'content-length': body.length,
    // The server says that it has read the head.
    expect: '100-continue',
  }
  const sending = request(`${url}/v1/tenants`, { method: 'POST', headers, agent })
  const answered = once(sending, 'response')
  answered.catch(() => {})
  sending.flushHeaders()
  await once(sending, 'continue')
  sending.write(body.slice(0, 5))
  return {
    async finish() {
      sending.end(body.slice(5))
      const [response] = await answered
      return {
        status: response.statusCode,
        connection: response.headers.connection,
        body: await text(response),
      }
    },
    abandon: () => sending.on('error', () => {}).destroy(),
  }
}

const hasLogged = (process: TestProcess, what: string) => until(() => process.log().includes(what))

async function isClosed({ url }: TestProcess): Promise<boolean> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const connected = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return !connected
}

test('requests that are under way at SIGTERM are all answered, and then the process ends with 0', async () => {
  const process = await startProcess('api')
  const begun = await Promise.all(Array.from({ length: 20 }, () => beginRequest(process)))
  process.child.kill('SIGTERM')
  await until(() => isClosed(process))
  for (const { finish } of begun) {
    const answer = await finish()
    expect(answer).toMatchObject({ status: 201, connection: 'close' })
  }
  expect(await process.ended).toEqual([0, null])
})

test('before the port closes, the process is not ready and serves', async () => {
  const process = await startProcess('api', { SHUTDOWN_DELAY_SECONDS: '3' })
  process.child.kill('SIGTERM')
  await until(async () => (await process.ready())?.status === 503)
  expect(await process.ready()).toEqual({ status: 503, failed: ['running'] })
  expect((await fetch(`${process.url}/healthz`)).status).toBe(200)
  expect(await process.ended).toEqual([0, null])
})

test('a request that does not end is not waited for longer than the limit', async () => {
  const process = await startProcess('api', { SHUTDOWN_GRACE_SECONDS: '1' })
  const { abandon } = await beginRequest(process)
  process.child.kill('SIGTERM')
  expect(await process.ended).toEqual([1, null])
  abandon()
})

test('a second signal ends the process at once', async () => {
  const process = await startProcess('api', { SHUTDOWN_GRACE_SECONDS: '600' })
  const { abandon } = await beginRequest(process)
  process.child.kill('SIGTERM')
  await hasLogged(process, 'the API stops')
  process.child.kill('SIGTERM')
  expect(await process.ended).toEqual([1, null])
  abandon()
})

test('a worker that is told to stop ends with 0', async () => {
  const process = await startProcess('worker')
  process.child.kill('SIGTERM')
  expect(await process.ended).toEqual([0, null])
  expect(process.log()).toContain('worker stopped')
})
