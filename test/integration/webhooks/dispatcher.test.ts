import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { pruneWebhooks } from '../../../src/db/webhook-dispatch.ts'
import { readWebhookNumbers } from '../../../src/db/webhook-numbers.ts'
import { DEFAULT_POLICY } from '../../../src/domain/backup-policy.ts'
import { newId } from '../../../src/domain/ids.ts'
import { secondsBetween } from '../../../src/domain/moment.ts'
import { NO_QUOTAS } from '../../../src/domain/quotas.ts'
import { createTenant } from '../../../src/services/create-tenant.ts'
import {
  replayFailedWebhookDeliveries,
  replayWebhookDelivery,
} from '../../../src/services/replay-webhook-deliveries.ts'
import { updateWebhookEndpoint } from '../../../src/services/update-webhook-endpoint.ts'
import { until } from '../../support/until.ts'
import { ADDON_ID, caller, type Ground, happen, newGround, nextDue, START, workOff } from './ground.ts'
import { receiver } from './receiver.ts'

const statuses = async (ground: Ground, endpointId: string) =>
  (await ground.deliveries(endpointId)).map(({ status }) => status)

/** Lets time pass from attempt to attempt. */
async function livesOn(ground: Ground, forSeconds: number) {
  const dispatcher = ground.dispatcher()
  for (;;) {
    await workOff([dispatcher])
    const due = await nextDue(ground.db)
    if (due === null || secondsBetween(START, due) > forSeconds) return
    ground.clock.now = due
  }
}

test('an endpoint is told of the events of its tenant that it asks for; one of the platform of those of all', async () => {
  const ground = await newGround()
  const [mine, others, platforms] = [await receiver(), await receiver(), await receiver()]
  const other = await createTenant(
    { db: ground.db, platformPolicy: DEFAULT_POLICY, platformQuotas: NO_QUOTAS },
    caller,
    {
      name: 'other',
    },
  )
  await ground.endpoint(mine.url, { eventTypes: ['backup.succeeded'] })
  await ground.endpoint(others.url, { tenantId: other.id })
  await ground.endpoint(platforms.url, { tenantId: null, eventTypes: ['backup.*'] })
  const backupId = newId('backup')
  for (const type of ['backup.running', 'backup.succeeded'] as const) await happen(ground, backupId, type)
  await workOff([ground.dispatcher()])
  const types = (arrivals: typeof mine.arrivals) =>
    arrivals.map(({ body }) => (JSON.parse(body) as { type: string }).type)
  expect(types(mine.arrivals)).toEqual(['backup.succeeded'])
  expect(types(platforms.arrivals)).toEqual(['backup.running', 'backup.succeeded'])
  expect(types(others.arrivals).filter((type) => type.startsWith('backup.'))).toEqual([])
  expect(JSON.parse(platforms.arrivals[0]?.body ?? '')).toEqual({
    type: 'backup.running',
    timestamp: START,
    data: { tenantId: ground.tenantId, resourceId: backupId, backupId, addonId: ADDON_ID },
  })
})

test('an event of a resource waits for the earlier one, and those of other resources do not', async () => {
  const ground = await newGround()
  const [stuck, free] = [newId('backup'), newId('backup')]
  const { url, arrivals } = await receiver((request) => ({ status: request.headers['x-ok'] ? 200 : 500 }))
  const { id } = await ground.endpoint(url, { eventTypes: ['backup.*'] })
  const sender = {
    send: (message: { url: string; headers: Readonly<Record<string, string>>; body: string }) => {
      const ok = message.body.includes(free) ? { 'x-ok': '1' } : {}
      return ground.sender.send({ ...message, headers: { ...message.headers, ...ok } })
    },
  }
  for (const backupId of [stuck, stuck, free, free]) await happen(ground, backupId)
  await workOff([ground.dispatcher(sender)])
  expect(await statuses(ground, id)).toEqual(['pending', 'waiting', 'succeeded', 'succeeded'])
  expect(arrivals.filter(({ body }) => body.includes(stuck)).map(({ id }) => id)).toHaveLength(1)
})

test('one event that a receiver cannot take is not tried more often for the others that it takes', async () => {
  const ground = await newGround()
  let down = true
  const stuck = newId('backup')
  const { url, arrivals } = await receiver(() => ({ status: down ? 500 : 200 }))
  await ground.endpoint(url, { eventTypes: ['backup.*'] })
  const dispatcher = ground.dispatcher()
  await happen(ground, stuck)
  await workOff([dispatcher])
  down = false
  for (let count = 0; count < 5; count++) {
    await happen(ground, newId('backup'))
    await workOff([dispatcher])
  }
  expect(arrivals.filter(({ body }) => body.includes(stuck))).toHaveLength(1)
})

test('after an outage nothing waits for its next attempt', async () => {
  const ground = await newGround()
  let down = true
  const { url } = await receiver(() => ({ status: down ? 500 : 200 }))
  const { id } = await ground.endpoint(url, { eventTypes: ['backup.*'] })
  for (let count = 0; count < 10; count++) await happen(ground, newId('backup'))
  await livesOn(ground, 3600)
  down = false
  await happen(ground, newId('backup'))
  await workOff([ground.dispatcher()])
  expect(new Set(await statuses(ground, id))).toEqual(new Set(['succeeded']))
})

test('a delivery fails after three days, and the next of the resource has its turn; days later the endpoint is disabled', async () => {
  const ground = await newGround()
  const { url, arrivals } = await receiver(() => ({ status: 500, text: 'whsec_bm8= no' }))
  const told = await receiver()
  const { id } = await ground.endpoint(url, { eventTypes: ['backup.*'] })
  await ground.endpoint(told.url, { eventTypes: ['webhook-endpoint.disabled'] })
  const backupId = newId('backup')
  for (let count = 0; count < 4; count++) await happen(ground, backupId)
  await livesOn(ground, 3.5 * 86_400)
  expect(await statuses(ground, id)).toEqual(['failed', 'pending', 'waiting', 'waiting'])
  const [first] = await ground.deliveries(id)
  expect(first).toMatchObject({ last_status_code: 500, last_error: null, last_response: '[redacted] no' })
  expect(first?.attempts).toBeGreaterThan(15)

  await livesOn(ground, 10 * 86_400)
  expect(await ground.endpointRow(id)).toMatchObject({ enabled: false, disabled_reason: 'failing' })
  expect(await statuses(ground, id)).toEqual(['failed', 'pending', 'waiting', 'waiting'])
  expect(told.arrivals.map(({ body }) => JSON.parse(body))).toMatchObject([
    { type: 'webhook-endpoint.disabled', data: { webhookEndpointId: id, reason: 'failing' } },
  ])
  expect(await readWebhookNumbers(ground.db)).toMatchObject({ disabled: [{ reason: 'failing', count: 1 }] })
  const attempts = arrivals.length
  await workOff([ground.dispatcher()])
  expect(arrivals).toHaveLength(attempts)
})

test('410 disables an endpoint; once enabled it goes on where it has stopped, and what has failed can be sent again', async () => {
  const ground = await newGround()
  let gone = true
  const { url, arrivals } = await receiver(() => ({ status: gone ? 410 : 200 }))
  const { id } = await ground.endpoint(url, { eventTypes: ['backup.*'] })
  const [one, other] = [newId('backup'), newId('backup')]
  await happen(ground, one)
  await workOff([ground.dispatcher()])
  await happen(ground, other)
  await workOff([ground.dispatcher()])
  expect(await ground.endpointRow(id)).toMatchObject({ enabled: false, disabled_reason: 'gone' })
  expect(arrivals).toHaveLength(1)

  gone = false
  await updateWebhookEndpoint(ground.services, caller, id, { enabled: true })
  await workOff([ground.dispatcher()])
  expect(await statuses(ground, id)).toEqual(['failed', 'succeeded'])
  expect(await replayFailedWebhookDeliveries(ground.services, caller, id, START)).toEqual({ replayed: 1 })
  await workOff([ground.dispatcher()])
  expect(await statuses(ground, id)).toEqual(['succeeded', 'succeeded'])
  const [first] = await ground.deliveries(id)
  await replayWebhookDelivery(ground.services, caller, id, first?.id ?? '')
  await workOff([ground.dispatcher()])
  const again = arrivals.filter((arrival) => arrival.id === arrivals[0]?.id)
  expect(again).toHaveLength(3)
  expect(new Set(again.map(({ body }) => body)).size).toBe(1)
})

test('an endpoint that asks to be left alone is, for all of its deliveries', async () => {
  const ground = await newGround()
  let busy = true
  const { url, arrivals } = await receiver(() =>
    busy ? { status: 429, headers: { 'retry-after': 'Mon, 23 Nov 2026 14:30:00 GMT' } } : { status: 200 },
  )
  await ground.endpoint(url, { eventTypes: ['backup.*'] })
  await happen(ground, newId('backup'))
  const dispatcher = ground.dispatcher()
  await workOff([dispatcher])
  await happen(ground, newId('backup'))
  ground.moveOn(29 * 60)
  await workOff([dispatcher])
  expect(arrivals).toHaveLength(1)
  busy = false
  ground.moveOn(60)
  await workOff([dispatcher])
  expect(arrivals.filter(({ accepted }) => accepted)).toHaveLength(2)
})

test('a receiver that never answers delays nobody else, and has few attempts at a time', async () => {
  const ground = await newGround()
  const [slow, quick] = [await receiver(() => 'hang'), await receiver()]
  const other = await createTenant(
    { db: ground.db, platformPolicy: DEFAULT_POLICY, platformQuotas: NO_QUOTAS },
    caller,
    {
      name: 'other',
    },
  )
  await ground.endpoint(slow.url, { eventTypes: ['backup.*'] })
  await ground.endpoint(quick.url, { tenantId: other.id, eventTypes: ['backup.*'] })
  for (let count = 0; count < 40; count++) await happen(ground, newId('backup'))
  for (let count = 0; count < 10; count++) await happen({ ...ground, tenantId: other.id }, newId('backup'))
  const held = Promise.withResolvers<void>()
  let [underway, most] = [0, 0]
  const sender = {
    async send(message: Parameters<typeof ground.sender.send>[0]) {
      if (message.url !== slow.url) return ground.sender.send(message)
      underway += 1
      most = Math.max(most, underway)
      await held.promise
      underway -= 1
      return ground.sender.send(message)
    },
  }
  const dispatchers = [ground.dispatcher(sender), ground.dispatcher(sender)]
  await until(async () => {
    await Promise.all(dispatchers.map((each) => each.pass()))
    return quick.arrivals.length === 10
  })
  expect(most).toBe(5)
  held.resolve()
  await Promise.all(dispatchers.map((each) => each.settled()))
})

test('deliveries are kept for thirty days, and those that are still to be sent longer', async () => {
  const ground = await newGround()
  const { url } = await receiver((request) => ({ status: request.method === 'POST' ? 200 : 500 }))
  const { id } = await ground.endpoint(url, { eventTypes: ['backup.*'] })
  for (let count = 0; count < 3; count++) await happen(ground, newId('backup'))
  await workOff([ground.dispatcher()])
  const [first, second] = await ground.deliveries(id)
  await ground.db.updateTable('webhook_delivery').set({ created_at: sql`now()` }).execute()
  const longAgo = { created_at: '2020-01-01T00:00:00.000000Z' }
  await ground.db
    .updateTable('webhook_delivery')
    .set(longAgo)
    .where('id', '=', first?.id ?? '')
    .execute()
  await ground.db
    .updateTable('webhook_delivery')
    .set({ ...longAgo, status: 'pending', next_attempt_at: START })
    .where('id', '=', second?.id ?? '')
    .execute()
  await pruneWebhooks(ground.db, 30)
  expect((await ground.deliveries(id)).map((row) => row.id)).not.toContain(first?.id)
  expect(await ground.deliveries(id)).toHaveLength(2)
})
