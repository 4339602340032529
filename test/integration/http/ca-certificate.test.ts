import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { availableAddon, codeOf, startApi } from './test-api.ts'

test('the CA certificate is a file to download, the same as with the credentials', async () => {
  const { db, newTenant } = await startApi()
  const { client } = await newTenant()
  const { id } = await availableAddon(db, client)
  const response = await client('GET', `/v1/addons/${id}/ca-certificate`)
  expect(response.headers).toMatchObject({
    'content-type': 'application/x-pem-file',
    'content-disposition': 'attachment; filename="undrop-ca.pem"',
  })
  expect(new X509Certificate(response.body).ca).toBe(true)
  expect(response.body).not.toContain('PRIVATE')
  const credentials = (await client('POST', `/v1/addons/${id}/credentials/reveal`)).json()
  expect(credentials.caCertificate).toBe(response.body)
})

test('a key without credentials:read downloads the certificate', async () => {
  const { db, newTenant, platform, clientWith } = await startApi()
  const { client, id: tenantId } = await newTenant()
  const { id } = await availableAddon(db, client)
  const body = { name: 'reader', scopes: ['addons:read'] }
  const { secret } = (await platform('POST', `/v1/tenants/${tenantId}/api-keys`, body)).json()
  const reader = clientWith(secret)
  expect((await reader('GET', `/v1/addons/${id}/ca-certificate`)).statusCode).toBe(200)
  expect((await reader('POST', `/v1/addons/${id}/credentials/reveal`)).statusCode).toBe(403)
})

test('before a worker has made an authority nothing is revealed, and nothing recorded', async () => {
  const { db, newTenant } = await startApi({}, { authority: false })
  const { client } = await newTenant()
  const { id } = await availableAddon(db, client)
  expect(codeOf(await client('GET', `/v1/addons/${id}/ca-certificate`))).toBe('unavailable')
  expect(codeOf(await client('POST', `/v1/addons/${id}/credentials/reveal`))).toBe('unavailable')
  const audit = db.selectFrom('audit_entry').selectAll().where('action', '=', 'addon.reveal-credentials')
  expect(await audit.execute()).toEqual([])
})
