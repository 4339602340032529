import { describe, expect, test } from 'vitest'
import { Problem } from '../../../src/domain/problem.ts'
import { keyRing } from '../../../src/secrets/key-ring.ts'
import { storageKeysOf } from '../../../src/secrets/storage-keys.ts'
import { localRepository } from '../../../src/storage/local-repository.ts'
import { fakeArchives } from '../../support/fake/driver.ts'
import { newLife } from '../../support/fake/life.ts'
import { emptyWorld } from '../../support/fake/world.ts'
import { type Api, codeOf, rowCounts, startApi } from './test-api.ts'

const KEYS = { accessKeyId: 'AKIA-1', secretAccessKey: 'secret-of-the-first-key' }
const READ_ONLY = { accessKeyId: 'AKIA-2', secretAccessKey: 'secret-of-the-second-key' }
const ring = keyRing([Buffer.alloc(32, 7)])

const pathOf = (tenantId: string) => `/v1/tenants/${tenantId}/storage-keys`

async function sealedOf({ db }: Api, tenantId: string) {
  const tenant = db.selectFrom('tenant').select('storage_key_sealed').where('id', '=', tenantId)
  return (await tenant.executeTakeFirstOrThrow()).storage_key_sealed
}

const recordsOf = async ({ db }: Api) => ({
  events: await db
    .selectFrom('outbox_event')
    .selectAll()
    .where('type', 'like', 'tenant.storage-keys-%')
    .execute(),
  audit: await db.selectFrom('audit_entry').selectAll().where('action', 'like', '%storage-keys').execute(),
})

/** An object store that says that of the keys. */
const archivesThat = (checkKeys: () => Promise<string[]>) => ({
  ...fakeArchives(emptyWorld(), newLife()),
  checkKeys,
})

describe('storage keys', () => {
  test('are kept sealed, shown by their names, replaced as a whole, and removed; all of it is recorded', async () => {
    const api = await startApi({ keyRing: ring })
    const { id } = await api.newTenant()
    const none = { readWriteAccessKeyId: null, readOnlyAccessKeyId: null }
    expect((await api.platform('GET', pathOf(id))).json()).toEqual(none)

    const names = { readWriteAccessKeyId: 'AKIA-1', readOnlyAccessKeyId: 'AKIA-2' }
    const set = await api.platform('PUT', pathOf(id), { ...KEYS, readOnly: READ_ONLY })
    expect(set.statusCode).toBe(200)
    expect(set.json()).toEqual({ ...names, warnings: [] })
    expect((await api.platform('GET', pathOf(id))).json()).toEqual(names)
    expect(storageKeysOf(ring, id, await sealedOf(api, id))).toEqual({ readWrite: KEYS, readOnly: READ_ONLY })

    await api.platform('PUT', pathOf(id), READ_ONLY)
    expect((await api.platform('GET', pathOf(id))).json()).toEqual({
      readWriteAccessKeyId: 'AKIA-2',
      readOnlyAccessKeyId: null,
    })
    for (let times = 0; times < 2; times++)
      expect((await api.platform('DELETE', pathOf(id))).statusCode).toBe(204)
    expect((await api.platform('GET', pathOf(id))).json()).toEqual(none)
    expect(await sealedOf(api, id)).toBeNull()

    const { events, audit } = await recordsOf(api)
    expect(events.map(({ type }) => type)).toEqual([
      'tenant.storage-keys-set',
      'tenant.storage-keys-set',
      'tenant.storage-keys-removed',
    ])
    expect(audit.map(({ action, tenant_id }) => [action, tenant_id])).toEqual([
      ['tenant.set-storage-keys', id],
      ['tenant.set-storage-keys', id],
      ['tenant.remove-storage-keys', id],
      ['tenant.remove-storage-keys', id],
    ])
  })

  test('422 for those that the object store refuses, with why, and nothing is kept', async () => {
    const detail = 'The read-write key may not delete below the prefix of the tenant.'
    const api = await startApi({
      archives: archivesThat(async () => {
        throw new Problem('storage-keys-refused', { detail })
      }),
    })
    const { id } = await api.newTenant()
    const before = await rowCounts(api.db)
    const refused = await api.platform('PUT', pathOf(id), KEYS)
    expect(refused.json()).toMatchObject({ status: 422, detail })
    expect(await sealedOf(api, id)).toBeNull()
    expect(await rowCounts(api.db)).toEqual(before)
  })

  test('what they can do beyond what they need is in the answer', async () => {
    const warnings = ['The read-only key can read outside of the prefix of the tenant.']
    const api = await startApi({ archives: archivesThat(async () => warnings) })
    const { id } = await api.newTenant()
    expect((await api.platform('PUT', pathOf(id), KEYS)).json()).toMatchObject({ warnings })
  })

  test('409 where archives are in a local repository, and 404 for a tenant that is none', async () => {
    const osUser = { name: 'postgres', uid: 0, gid: 0, isOther: false } as never
    const api = await startApi({ archives: localRepository({ dataDirectory: '/nowhere', osUser }) })
    const { id } = await api.newTenant()
    expect(codeOf(await api.platform('PUT', pathOf(id), KEYS))).toBe('storage-not-s3')
    await api.platform('DELETE', `/v1/tenants/${id}`)
    for (const method of ['PUT', 'GET', 'DELETE'] as const)
      expect(codeOf(await api.platform(method, pathOf(id), method === 'PUT' ? KEYS : undefined))).toBe(
        'tenant-not-found',
      )
  })
})
