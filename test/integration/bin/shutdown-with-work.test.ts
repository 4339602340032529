import { once } from 'node:events'
import { get } from 'node:http'
import { expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import { type Behaviour, receiver } from '../webhooks/receiver.ts'
import { PLATFORM_KEY, startProcess, type TestProcess } from './processes.ts'

const TO_LOOPBACK = {
  UNDROP_WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
  UNDROP_WEBHOOK_ALLOW_HTTP: 'true',
}
const authorization = `Bearer ${PLATFORM_KEY}`

async function call<Answer>({ url }: TestProcess, method: string, path: string, body?: object) {
  const response = await fetch(`${url}/v1${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })
  expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true)
  return (await response.json()) as Answer
}

/** A stream of events that is open; `paused` for a reader that takes nothing. */
async function openStream({ url }: TestProcess, paused: boolean) {
  const request = get(`${url}/v1/events/stream?after=evt_00000000000`, {
    agent: false,
    headers: { authorization },
  })
  request.on('error', () => {})
  const [response] = await once(request, 'response')
  let isWhole = false
  response
    .on('error', () => {})
    .once('end', () => {
      isWhole = response.complete
    })
  if (!paused) response.resume()
  return { isWhole: () => isWhole, cut: () => request.destroy() }
}

/** An API and a worker on one database, and a platform's endpoint that a message is on its way to. */
async function aDeliveryOut(behave: Behaviour, graceSeconds: number) {
  const api = await startProcess('api', TO_LOOPBACK)
  const grace = { SHUTDOWN_GRACE_SECONDS: String(graceSeconds) }
  const worker = await startProcess('worker', { ...api.shared, ...TO_LOOPBACK, ...grace })
  const { url, arrivals } = await receiver(behave)
  const endpoint = { tenantId: null, url, eventTypes: ['webhook.none'] }
  const { id } = await call<{ id: string }>(api, 'POST', '/webhook-endpoints', endpoint)
  await call(api, 'POST', `/webhook-endpoints/${id}/test`)
  await until(() => arrivals.length === 1)
  const deliveries = async () => {
    const path = `/webhook-endpoints/${id}/deliveries`
    return (await call<{ data: { status: string; attempts: number }[] }>(api, 'GET', path)).data
  }
  return { api, worker, arrivals, deliveries }
}

test('streams of events end in good order at SIGTERM, and one whose reader takes nothing holds nobody up', async () => {
  const process = await startProcess('api', { SHUTDOWN_GRACE_SECONDS: '10' })
  const names = Array.from({ length: 200 }, (_, index) => `tenant ${index}`)
  for (const name of names) await call(process, 'POST', '/tenants', { name })
  const reader = await openStream(process, false)
  const stuck = await openStream(process, true)
  process.child.kill('SIGTERM')
  expect(await process.ended).toEqual([0, null])
  await until(reader.isWhole)
  stuck.cut()
})

test('a message that is on its way at SIGTERM is waited for, and not sent again', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { worker, deliveries, arrivals } = await aDeliveryOut(() => ({ status: 200, after: promise }), 20)
  worker.child.kill('SIGTERM')
  await until(() => worker.log().includes('worker stops'))
  resolve()
  expect(await worker.ended).toEqual([0, null])
  expect(arrivals).toHaveLength(1)
  expect(await deliveries()).toMatchObject([{ status: 'succeeded', attempts: 1 }])
})

test('a receiver that does not answer holds up the end of a worker no longer than the limit', async () => {
  const { worker, deliveries } = await aDeliveryOut(() => 'hang', 1)
  worker.child.kill('SIGTERM')
  expect(await worker.ended).toEqual([1, null])
  expect(await deliveries()).toMatchObject([{ status: 'pending' }])
})

test('a worker that is told to stop twice ends at once', async () => {
  const { worker } = await aDeliveryOut(() => 'hang', 600)
  worker.child.kill('SIGTERM')
  await until(() => worker.log().includes('worker stops'))
  worker.child.kill('SIGTERM')
  expect(await worker.ended).toEqual([1, null])
})

test('an operation that a worker was at when it was told to stop is finished by the next one', async () => {
  const api = await startProcess('api')
  const first = await startProcess('worker', api.shared)
  const tenant = await call<{ id: string }>(api, 'POST', '/tenants', { name: 'acme' })
  const addon = await call<{ id: string }>(api, 'POST', '/addons', { tenantId: tenant.id, name: 'shop' })
  await until(() => first.log().includes('"kind":"addon.provision"'))
  first.child.kill('SIGTERM')
  expect(await first.ended).toEqual([0, null])
  const statusOf = async () => (await call<{ status: string }>(api, 'GET', `/addons/${addon.id}`)).status
  expect(await statusOf()).toBe('provisioning')

  await startProcess('worker', api.shared)
  await until(async () => (await statusOf()) === 'available')
})
