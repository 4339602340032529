import { afterAll, beforeAll, expect, test } from 'vitest'
import { Api } from './fetch-client/client.gen.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

let undrop: Undrop
beforeAll(async () => {
  undrop = await startUndrop()
})
afterAll(() => undrop.remove())

const clientWith = (key: string) =>
  new Api({ baseUrl: undrop.url, baseApiParams: { headers: { authorization: `Bearer ${key}` } } }).v1

test('a client of another generator makes a tenant, a key and an add-on, and is told what is wrong', async () => {
  const platform = clientWith(undrop.platformKey)
  const { data: tenant } = await platform.createTenant({ name: 'acme' })
  const { data: key } = await platform.createApiKey(tenant.id, {
    name: 'ci',
    scopes: ['addons:read', 'addons:write'],
  })
  undrop.noteSecret(key.secret)
  const client = clientWith(key.secret)
  const { data: addon } = await client.createAddon({ name: 'shop', labels: { app: 'shop' } })
  expect(addon).toMatchObject({ tenantId: tenant.id, status: 'provisioning' })
  expect((await client.listAddons({ limit: 1 })).data).toMatchObject({
    data: [{ id: addon.id }],
    nextCursor: null,
  })
  const refused = await client.createAddon({ name: 'shop' }).catch((answer: unknown) => answer)
  expect(refused).toMatchObject({ status: 409, error: { type: expect.stringMatching(/addon-name-taken$/) } })
})
