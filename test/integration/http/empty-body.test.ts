import { expect, test } from 'vitest'
import { hashApiKey, newApiKeySecret } from '../../../src/domain/credentials.ts'
import { startApi } from './test-api.ts'

test('a JSON media type with an empty body is no fault where no body is needed', async () => {
  const secret = newApiKeySecret()
  const { app } = await startApi({ platformKeyHash: hashApiKey(secret) })
  const headers = { 'authorization': `Bearer ${secret}`, 'content-type': 'application/json' }
  const create = { method: 'POST', url: '/v1/tenants', headers } as const
  const { id } = (await app.inject({ ...create, payload: { name: 'acme' } })).json()
  const deleted = await app.inject({ method: 'DELETE', url: `/v1/tenants/${id}`, headers, payload: '' })
  expect(deleted.statusCode).toBe(204)
})
