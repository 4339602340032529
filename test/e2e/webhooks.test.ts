import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { receiver } from '../integration/webhooks/receiver.ts'
import { until } from '../support/until.ts'
import { createAddon, createWebhookEndpoint, listWebhookDeliveries } from './client/sdk.gen.ts'
import { aTenant } from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

let undrop: Undrop
beforeAll(async () => {
  undrop = await startUndrop({
    UNDROP_WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
    UNDROP_WEBHOOK_ALLOW_HTTP: 'true',
  })
})
afterAll(() => undrop.remove())

test('a platform is told of a new add-on, in a message that the reference library verifies', async () => {
  const { client } = undrop
  const { url, arrivals } = await receiver()
  const body = { url, tenantId: null, eventTypes: ['addon.created'] }
  const { data: endpoint } = await createWebhookEndpoint({ client, body, throwOnError: true })
  const tenantId = await aTenant(undrop)
  const { data: addon } = await createAddon({ client, body: { name: 'shop', tenantId }, throwOnError: true })

  await until(() => arrivals.length > 0)
  const [arrival] = arrivals
  expect(new Webhook(endpoint.secret).verify(arrival?.body ?? '', arrival?.headers ?? {})).toMatchObject({
    type: 'addon.created',
    data: { tenantId, resourceId: addon.id, addonId: addon.id, name: 'shop' },
  })
  const path = { endpointId: endpoint.id }
  await until(async () => {
    const { data } = await listWebhookDeliveries({ client, path, throwOnError: true })
    return data.data[0]?.status === 'succeeded' && data.data[0].eventId === arrival?.id
  })
})
