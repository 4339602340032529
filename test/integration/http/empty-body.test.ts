import { expect, test } from 'vitest'
import { startApi } from './test-api.ts'

test('a JSON media type with an empty body is no fault where no body is needed', async () => {
  const { app, newTenant, platform } = await startApi()
  const { id } = await newTenant()
  const keys = (await platform('GET', `/v1/tenants/${id}/api-keys`)).json().data
  const secret = (await platform('POST', `/v1/tenants/${id}/api-keys`, { name: 'script' })).json().secret
  const headers = { 'authorization': `Bearer ${secret}`, 'content-type': 'application/json' }
  const revoked = await app.inject({
    method: 'DELETE',
    url: `/v1/tenants/${id}/api-keys/${keys[0].id}`,
    headers,
    payload: '',
  })
  expect(revoked.statusCode).toBe(204)
})
