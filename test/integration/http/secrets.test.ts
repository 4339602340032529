import { expect, test } from 'vitest'
import { keyRing, sealContext } from '../../../src/secrets/key-ring.ts'
import { availableAddon, completeBackup, ENDPOINT_HOST, startApi } from './test-api.ts'

const MASTER_KEY = Buffer.alloc(32, 7)

test('passwords, passphrases and API keys are in no answer but the one that is for them, and in no record or log line', async () => {
  const ring = keyRing([MASTER_KEY])
  const { db, platform, logged } = await startApi({ keyRing: ring })
  const answers: string[] = []
  const asked = async (...request: Parameters<typeof platform>) => {
    const response = await platform(...request)
    answers.push(response.body + JSON.stringify(response.headers))
    return response.json()
  }

  const { id: tenantId } = await asked('POST', '/v1/tenants', { name: 'Acme' })
  const key = (await platform('POST', `/v1/tenants/${tenantId}/api-keys`, { name: 'one' })).json()
  await asked('GET', `/v1/tenants/${tenantId}/api-keys`)
  const keys = { accessKeyId: 'AKIA-1', secretAccessKey: 'secret-of-the-first-key' }
  const readOnly = { accessKeyId: 'AKIA-2', secretAccessKey: 'secret-of-the-second-key' }
  await asked('PUT', `/v1/tenants/${tenantId}/storage-keys`, { ...keys, readOnly })
  await asked('PUT', `/v1/tenants/${tenantId}/storage-keys`, { ...keys, secretAccessKey: 'wrong-\n-secret' })
  await asked('GET', `/v1/tenants/${tenantId}/storage-keys`)
  await asked('POST', '/v1/addons', { name: 'first', tenantId })
  const addon = await availableAddon(db, (method, path, body) =>
    platform(method, path, { ...(body as object), tenantId }),
  )
  await completeBackup(db, addon)
  const credentials = (await platform('POST', `/v1/addons/${addon.id}/credentials/reveal`)).json()
  const restore = await asked('POST', `/v1/addons/${addon.id}/restores`, { target: { latest: true } })
  await asked('PATCH', `/v1/addons/${addon.id}`, { labels: { app: 'shop' } })
  await asked('POST', `/v1/addons/${addon.id}/backups`, { type: 'full' })
  for (const path of [
    'addons',
    'restores',
    'operations',
    `addons/${addon.id}/backups`,
    `addons/${addon.id}/recovery-window`,
  ]) {
    await asked('GET', `/v1/${path}`)
  }
  await asked('POST', `/v1/restores/${restore.id}/cancel`)
  await asked('DELETE', `/v1/addons/${restore.childAddonId}`)

  const secrets: string[] = [key.secret, credentials.password]
  secrets.push(keys.secretAccessKey, readOnly.secretAccessKey, 'wrong-', '-secret"')
  for (const { id, password_sealed } of await db.selectFrom('addon').selectAll().execute()) {
    secrets.push(password_sealed, ring.open(password_sealed, sealContext.addonPassword(id)))
  }
  for (const { server_id, cipher_pass_sealed } of await db.selectFrom('archive').selectAll().execute()) {
    secrets.push(cipher_pass_sealed, ring.open(cipher_pass_sealed, sealContext.archiveCipher(server_id)))
  }
  const records = [
    await db.selectFrom('audit_entry').selectAll().execute(),
    await db.selectFrom('outbox_event').selectAll().execute(),
    await db.selectFrom('operation').selectAll().execute(),
    await db.selectFrom('api_key').selectAll().execute(),
  ]
  const everything = answers.join('\n') + JSON.stringify(records) + logged()
  expect(secrets).toHaveLength(2 + 4 + 3 * 2 + 3 * 2)
  for (const secret of secrets) expect(everything).not.toContain(secret)
  expect(answers.join('')).not.toContain(credentials.username)
})

test('revealed credentials are those that were sealed, and revealing them is recorded', async () => {
  const ring = keyRing([MASTER_KEY])
  const { db, newTenant } = await startApi({ keyRing: ring })
  const { client, keyId, id: tenantId } = await newTenant()
  const addon = await availableAddon(db, client, 'shop-db')
  const password = ring.open(addon.password_sealed, sealContext.addonPassword(addon.id))

  const response = await client('POST', `/v1/addons/${addon.id}/credentials/reveal`)
  const { username, port } = addon
  const url = `postgresql://${username}:${password}@${ENDPOINT_HOST}:${port}/shop_db?sslmode=verify-full`
  expect(response.json()).toEqual({
    ...{ host: ENDPOINT_HOST, port, database: 'shop_db', username, password, url },
    caCertificate: expect.stringMatching(/^-----BEGIN CERTIFICATE-----/),
  })
  const audit = await db
    .selectFrom('audit_entry')
    .selectAll()
    .where('action', '=', 'addon.reveal-credentials')
    .execute()
  expect(audit).toMatchObject([{ tenant_id: tenantId, api_key_id: keyId, resource_id: addon.id }])
  expect((await client('GET', `/v1/addons/${addon.id}`)).json().endpoint).toEqual({
    host: ENDPOINT_HOST,
    port,
  })
})

test('409 instead of credentials while the add-on is not available, and nothing is recorded', async () => {
  const { db, newTenant } = await startApi()
  const { client } = await newTenant()
  const { id } = (await client('POST', '/v1/addons', { name: 'shop-db' })).json()
  const response = await client('POST', `/v1/addons/${id}/credentials/reveal`)
  expect(response.json()).toMatchObject({ status: 409, type: expect.stringMatching(/addon-not-available$/) })
  const audit = await db
    .selectFrom('audit_entry')
    .selectAll()
    .where('action', '=', 'addon.reveal-credentials')
    .execute()
  expect(audit).toEqual([])
})

test('a bug behind an operation answers 500 with nothing of it, which the log has, and writes nothing', async () => {
  const seal = () => {
    throw new Error('cannot read /etc/undrop/master.key')
  }
  const { db, newTenant, logged } = await startApi({ keyRing: { keyIds: ['key'], seal, open: seal } })
  const { client } = await newTenant()
  const response = await client('POST', '/v1/addons', { name: 'shop-db' })
  expect(response.statusCode).toBe(500)
  expect(Object.keys(response.json()).sort()).toEqual(['instance', 'status', 'title', 'type'])
  expect(response.body).not.toContain('master.key')
  const line = logged()
    .split('\n')
    .find((text) => text.includes('master.key'))
  expect(line).toContain(response.json().instance)
  expect(await db.selectFrom('addon').selectAll().execute()).toEqual([])
})
