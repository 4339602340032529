import type { Moment } from '../../../src/domain/moment.ts'
import { SCOPES } from '../../../src/domain/scopes.ts'
import { type Client, NOW, startApi } from './test-api.ts'

/** A tenant whose key may look after it, at a time that the test moves. */
export async function administeredTenant() {
  const clock = { now: NOW as Moment }
  const api = await startApi({ now: () => clock.now })
  const tenant = await api.newTenant(SCOPES)
  const keys = `/v1/tenants/${tenant.id}/api-keys`
  const make = async (body: object, client: Client = tenant.client) => {
    const response = await client('POST', keys, { name: 'deploy', ...body })
    return { response, key: response.json(), client: api.clientWith(response.json().secret) }
  }
  const works = async (client: Client) => (await client('GET', '/v1/addons')).statusCode === 200
  return { ...api, clock, tenant, keys, make, works }
}
