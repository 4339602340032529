import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { placeEvents } from '../../../src/db/event-positions.ts'
import { pruneEvents } from '../../../src/db/events.ts'
import { type Api, availableAddon, codeOf, completeBackup, startApi } from './test-api.ts'

interface Event {
  id: string
  type: string
  tenantId: string
  resourceId: string
  data: Record<string, unknown>
}

/** Follows `nextCursor` to the end. */
async function allEvents(client: Api['platform'], query = ''): Promise<Event[]> {
  const events: Event[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: { data: Event[]; nextCursor: string | null } = (
      await client('GET', `/v1/events?limit=2${cursor && `&cursor=${cursor}`}${query}`)
    ).json()
    events.push(...page.data)
    cursor = page.nextCursor
  }
  return events
}

const typesOf = (events: readonly Event[]) => events.map(({ type }) => type)

/** A tenant that has asked for an add-on and a restore of it. */
async function busyTenant(api: Api) {
  const tenant = await api.newTenant()
  const addon = await availableAddon(api.db, tenant.client)
  await completeBackup(api.db, addon)
  const target = { target: { latest: true } }
  const restore = (await tenant.client('POST', `/v1/addons/${addon.id}/restores`, target)).json()
  await placeEvents(api.db)
  return { ...tenant, addonId: addon.id, restoreId: restore.id as string, childAddonId: restore.childAddonId }
}

describe('GET /v1/events', () => {
  test('shows what has happened in order, page by page, and goes on behind any of them', async () => {
    const api = await startApi()
    const { client, id: tenantId, addonId, restoreId, childAddonId, keyId } = await busyTenant(api)
    const events = await allEvents(client)
    expect(events.map(({ type, resourceId }) => [type, resourceId])).toEqual([
      ['tenant.created', tenantId],
      ['api-key.created', keyId],
      ['addon.created', addonId],
      ['addon.created', childAddonId],
      ['restore.queued', restoreId],
    ])
    expect(events.map(({ id }) => id)).toEqual(events.map(({ id }) => id).sort())
    for (const [index, { id }] of events.entries())
      expect(await allEvents(client, `&after=${id}`)).toEqual(events.slice(index + 1))
  })

  test('is filtered by type, by kind of resource, by add-on, by resource and by time', async () => {
    const api = await startApi()
    const { client, addonId, restoreId } = await busyTenant(api)
    const types = async (query: string) => typesOf(await allEvents(client, query))
    expect(await types('&type=restore.*')).toEqual(['restore.queued'])
    expect(await types('&type=restore.*&type=tenant.created')).toEqual(['tenant.created', 'restore.queued'])
    expect(await types(`&addonId=${addonId}`)).toEqual(['addon.created', 'restore.queued'])
    expect(await types(`&resourceId=${restoreId}`)).toEqual(['restore.queued'])
    expect(await types('&createdBefore=2020-01-01T00:00:00Z')).toEqual([])
    expect(await types('&createdAfter=2020-01-01T00:00:00Z')).toHaveLength(5)
    for (const wrong of [
      'type=addon.exploded',
      'type=addon',
      'after=evt_1',
      'after=x',
      'cursor=x',
      'createdAfter=x',
    ])
      expect(codeOf(await client('GET', `/v1/events?${wrong}`)), wrong).toBe('validation-failed')
  })

  test('shows a tenant its own, and the platform everybody’s or those of one', async () => {
    const api = await startApi()
    const [one, other] = [await busyTenant(api), await busyTenant(api)]
    for (const { id, client } of [one, other]) {
      const own = await allEvents(client)
      expect(new Set(own.map(({ tenantId }) => tenantId))).toEqual(new Set([id]))
      expect(await allEvents(api.platform, `&tenantId=${id}`)).toEqual(own)
    }
    expect(await allEvents(api.platform)).toHaveLength(10)
    expect(codeOf(await one.client('GET', `/v1/events?tenantId=${other.id}`))).toBe('tenant-not-found')
  })

  test('does not show an event that has no place yet', async () => {
    const api = await startApi()
    const { client } = await api.newTenant()
    expect(await allEvents(client)).toEqual([])
  })

  test('410 for an event whose followers have been removed because of their age, and for nobody else', async () => {
    const api = await startApi()
    const [old, fresh] = [await busyTenant(api), await busyTenant(api)]
    const events = await allEvents(old.client)
    const [, freshFirst] = await allEvents(fresh.client)
    await sql`update outbox_event set created_at = now() - interval '40 days'
               where tenant_id = ${old.id} and type <> 'restore.queued'`.execute(api.db)
    expect(await pruneEvents(api.db, 30, 1000)).toBe(4)
    expect(await pruneEvents(api.db, 30, 1000)).toBe(0)

    const path = '/v1/events?after='
    expect(typesOf(await allEvents(old.client))).toEqual(['restore.queued'])
    const missed = await old.client('GET', path + events[2]?.id)
    expect([missed.statusCode, codeOf(missed)]).toEqual([410, 'events-pruned'])
    expect(codeOf(await old.client('GET', `/v1/events/stream?after=${events[2]?.id}`))).toBe('events-pruned')
    // The last one that is gone has been read: nothing was missed.
    expect(typesOf((await old.client('GET', path + events[3]?.id)).json().data)).toEqual(['restore.queued'])
    expect((await fresh.client('GET', path + freshFirst?.id)).statusCode).toBe(200)
  })
})
