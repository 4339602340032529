import { describe, expect, test } from 'vitest'
import type { Moment } from '../../../src/domain/moment.ts'
import { until } from '../../support/until.ts'
import { follow, namesIn, record, served } from './event-stream-ground.ts'
import { type Api, NOW, type TestTenant } from './test-api.ts'

const LATER: Moment = '2026-11-23T15:00:00.000000Z'

/** What ends a key's right to be told events; each returns what time it is then. */
const endings: Record<string, (api: Api, tenant: TestTenant) => Promise<Moment>> = {
  'its key is revoked': async ({ platform }, { id, keyId }) => {
    await platform('DELETE', `/v1/tenants/${id}/api-keys/${keyId}`)
    return NOW
  },
  'its key expires': async ({ platform }, { id, keyId }) => {
    const expiresAt = '2026-11-23T14:30:00Z'
    await platform('PATCH', `/v1/tenants/${id}/api-keys/${keyId}`, { expiresAt })
    return LATER
  },
  'its key has been rotated and the overlap is over': async ({ platform }, { id, keyId }) => {
    await platform('POST', `/v1/tenants/${id}/api-keys/${keyId}/rotate`, { overlapSeconds: 60 })
    return LATER
  },
  'its key may not read events any more': async ({ platform }, { id, keyId }) => {
    await platform('PATCH', `/v1/tenants/${id}/api-keys/${keyId}`, { scopes: ['audit:read'] })
    return NOW
  },
  'its tenant is deleted': async ({ platform }, { id }) => {
    await platform('DELETE', `/v1/tenants/${id}`)
    return NOW
  },
}

describe.each(Object.entries(endings))('a stream of events, when %s', (_what, end) => {
  test('ends, though nothing happens', async () => {
    let now = NOW
    await using ground = await served({ heartbeatSeconds: 0.05 }, { now: () => now })
    const { api } = ground
    const tenant = await api.newTenant()
    const { connection } = await follow(api, tenant.secret)
    await until(() => connection.lastId() !== undefined)
    expect(connection.isClosed()).toBe(false)
    now = await end(api, tenant)
    await until(() => connection.isClosed())
    expect(connection.endedWell()).toBe(true)
  })

  test('tells nothing of what happens afterwards', async () => {
    let now = NOW
    await using ground = await served({ heartbeatSeconds: 3600, lifetimeSeconds: 3600 }, { now: () => now })
    const { api, db } = ground
    const tenant = await api.newTenant()
    const { events, connection } = await follow(api, tenant.secret, { query: '?type=addon.*' })
    await until(() => connection.lastId() !== undefined)
    await record(db, tenant.id, 'before')
    await until(() => events.length > 0)
    now = await end(api, tenant)
    await record(db, tenant.id, 'after')
    await until(() => connection.isClosed())
    expect(namesIn(events)).toEqual(['before'])
    expect(connection.endedWell()).toBe(true)
  })
})
