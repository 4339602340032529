import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { newId } from '../../../src/domain/ids.ts'
import { deleteWebhookEndpoint } from '../../../src/services/delete-webhook-endpoint.ts'
import { caller, happen, newGround, workOff } from './ground.ts'
import { receiver } from './receiver.ts'

test('what a dispatcher was sending when it died is sent again by another, once its time is over, and settled once', async () => {
  const ground = await newGround()
  const { url, arrivals } = await receiver()
  const { id } = await ground.endpoint(url, { eventTypes: ['backup.*'] })
  const [first, second] = [newId('backup'), newId('backup')]
  await happen(ground, first)
  // It comes back to life when everything is over.
  const paused = Promise.withResolvers<void>()
  const late = { statusCode: 500, error: null, retryAfter: '3600', body: 'late' }
  const dead = ground.dispatcher({ send: () => paused.promise.then(() => late) })
  await dead.pass()

  const other = ground.dispatcher()
  await workOff([other])
  expect(arrivals).toHaveLength(0)
  ground.moveOn(61)
  await workOff([other])
  expect(arrivals).toHaveLength(1)
  paused.resolve()
  await dead.settled()
  expect(await ground.deliveries(id)).toMatchObject([{ status: 'succeeded', attempts: 1, last_response: '' }])
  expect(await ground.endpointRow(id)).toMatchObject({ paused_until: null, failing_since: null })

  await happen(ground, second)
  await workOff([other])
  expect(arrivals).toHaveLength(2)
})

test('an endpoint can be deleted while messages to it are on their way and others wait; nothing more is sent', async () => {
  const ground = await newGround()
  const { url, arrivals } = await receiver()
  const { id } = await ground.endpoint(url, { eventTypes: ['backup.*'] })
  const backupId = newId('backup')
  for (let count = 0; count < 3; count++) await happen(ground, backupId)
  const held = Promise.withResolvers<void>()
  const dispatcher = ground.dispatcher({
    send: (message) => held.promise.then(() => ground.sender.send(message)),
  })
  await dispatcher.pass()
  await deleteWebhookEndpoint(ground.services, caller, id)
  held.resolve()
  await workOff([dispatcher])
  expect(arrivals).toHaveLength(1)
  expect(ground.errors).toEqual([])
  const left = await sql`
    select from webhook_delivery union all select from webhook_secret`.execute(ground.db)
  expect(left.rows).toEqual([])
})

test('a URL that a name was changed behind is not reached, and of the refusal nothing is told but that', async () => {
  const ground = await newGround()
  const { id } = await ground.endpoint('http://127.0.0.1:1025/', { eventTypes: ['backup.*'] })
  await ground.db
    .updateTable('webhook_endpoint')
    .set({ url: 'http://10.0.0.1/' })
    .where('id', '=', id)
    .execute()
  await happen(ground, newId('backup'))
  const dispatcher = ground.dispatcher()
  await dispatcher.pass()
  await dispatcher.settled()
  expect(await ground.deliveries(id)).toMatchObject([
    { status: 'pending', last_error: 'target-refused', last_status_code: null, last_response: '' },
  ])
})
