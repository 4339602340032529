import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { sealedColumns } from '../../../src/secrets/sealed-columns.ts'
import { codeOf, startApi, webhookEndpoint } from './test-api.ts'

const URL_OF_ALL = 'https://hooks.example.com/undrop'
const path = '/v1/webhook-endpoints'

test('a secret is shown once, and kept sealed', async () => {
  const { newTenant, db, logged } = await startApi()
  const { client } = await newTenant()
  const { id, secret } = (await client('POST', path, { url: URL_OF_ALL })).json()
  const rotated = (await client('POST', `${path}/${id}/secrets`, { overlapSeconds: 60 })).json()
  const secrets = [secret, rotated.secret]
  expect(new Set(secrets).size).toBe(2)
  for (const each of secrets) expect(each).toMatch(/^whsec_[\w+/]{43}=$/)
  const { rows } = await sql`
    select row_to_json(webhook_secret)::text as row from webhook_secret
    union all select row_to_json(audit_entry)::text from audit_entry
    union all select row_to_json(outbox_event)::text from outbox_event`.execute(db)
  const answers = [await client('GET', path), await client('GET', `${path}/${id}`)].map(({ body }) => body)
  for (const each of secrets) expect([JSON.stringify(rows), ...answers, logged()].join()).not.toContain(each)
  expect(sealedColumns.map(({ table }) => table)).toContain('webhook_secret')
  expect(rotated.earlierSignUntil > rotated.createdAt).toBe(true)
})

test('earlier secrets are over at the end of the overlap, and many rotations leave few that sign', async () => {
  const { newTenant, db } = await startApi()
  const { client } = await newTenant()
  const { id } = (await client('POST', path, { url: URL_OF_ALL })).json()
  for (let count = 0; count < 10; count++) await client('POST', `${path}/${id}/secrets`, {})
  const count = async () => (await db.selectFrom('webhook_secret').select('id').execute()).length
  expect(await count()).toBe(4)
  await client('POST', `${path}/${id}/secrets`, { overlapSeconds: 0 })
  expect(await count()).toBe(1)
})

test.each([
  'http://example.com/',
  'https://user:word@example.com/',
  'https://127.0.0.1/',
  'https://169.254.169.254/latest/meta-data',
  'https://[::ffff:10.0.0.1]/',
  'https://example.com:6379/',
])('422 for %s, when an endpoint is made and when it is changed', async (url) => {
  const { newTenant } = await startApi()
  const { client } = await newTenant()
  const { endpointId } = await webhookEndpoint(client)
  for (const response of [
    await client('POST', path, { url }),
    await client('PATCH', `${path}/${endpointId}`, { url }),
  ]) {
    expect(response.statusCode).toBe(422)
    expect(codeOf(response)).toBe('webhook-url-refused')
  }
})

describe('an endpoint of the platform', () => {
  test('is made by a platform key that says so, and by no other', async () => {
    const { newTenant, platform } = await startApi()
    const { client, id } = await newTenant()
    expect(codeOf(await client('POST', path, { url: URL_OF_ALL, tenantId: null }))).toBe('forbidden')
    expect(codeOf(await platform('POST', path, { url: URL_OF_ALL }))).toBe('validation-failed')
    const made = (await platform('POST', path, { url: URL_OF_ALL, tenantId: null })).json()
    expect(made).toMatchObject({ tenantId: null, eventTypes: ['*'], enabled: true })
    expect((await platform('POST', path, { url: URL_OF_ALL, tenantId: id })).json()).toMatchObject({
      tenantId: id,
    })
  })

  test('does not exist for the key of a tenant, nor do the events of it', async () => {
    const { newTenant, platform } = await startApi()
    const { client } = await newTenant()
    const { id } = (await platform('POST', path, { url: URL_OF_ALL, tenantId: null })).json()
    expect((await client('GET', `${path}/${id}`)).statusCode).toBe(404)
    expect((await client('GET', path)).json().data).toEqual([])
  })
})

test('a tenant has no more endpoints than it may, however fast it asks', async () => {
  const { newTenant } = await startApi()
  const { client } = await newTenant()
  const answers = await Promise.all(
    Array.from({ length: 25 }, () => client('POST', path, { url: URL_OF_ALL })),
  )
  expect(answers.filter(({ statusCode }) => statusCode === 201)).toHaveLength(20)
  const refused = answers.filter(({ statusCode }) => statusCode !== 201)
  expect(refused.map(codeOf)).toEqual(refused.map(() => 'webhook-endpoint-limit'))
})

test('deliveries are found by status and by type of event, page by page', async () => {
  const { newTenant } = await startApi()
  const { client } = await newTenant()
  const { endpointId } = await webhookEndpoint(client)
  for (let count = 0; count < 4; count++) await client('POST', `${path}/${endpointId}/test`)
  const list = async (query: string) =>
    (await client('GET', `${path}/${endpointId}/deliveries?${query}`)).json()
  expect((await list('status=pending')).data).toHaveLength(1)
  expect((await list('status=waiting&eventType=webhook.test')).data).toHaveLength(4)
  expect((await list('eventType=restore.failed')).data).toEqual([])
  const first = await list('limit=3')
  const rest = await list(`limit=3&cursor=${first.nextCursor}`)
  expect([first.data.length, rest.data.length, rest.nextCursor]).toEqual([3, 2, null])
})
