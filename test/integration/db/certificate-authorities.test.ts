import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { caCertificates, findSigningAuthority } from '../../../src/db/certificate-authorities.ts'
import { openDb, openPool, scopedDb } from '../../../src/db/client.ts'
import { assertMasterKey } from '../../../src/db/master-key.ts'
import { resealAll } from '../../../src/db/reseal.ts'
import { newId } from '../../../src/domain/ids.ts'
import type { ServerDriver } from '../../../src/drivers/driver.ts'
import { openAuthority, signingAuthority } from '../../../src/operations/certificate-authority.ts'
import {
  introduceAuthority,
  retireAuthorities,
  useNewestAuthority,
} from '../../../src/operations/replace-authority.ts'
import { issueServerCertificate } from '../../../src/secrets/certificates.ts'
import { keyRing } from '../../../src/secrets/key-ring.ts'
import { sealedColumns } from '../../../src/secrets/sealed-columns.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { anAddon, aTenant } from '../operations/rows.ts'

const [oldKey, newKey] = [randomBytes(32), randomBytes(32)]
const ring = keyRing([oldKey])
const actor = { apiKeyId: null, requestId: 'r1', sourceAddress: 'console of here' }

test('of many processes that need an authority at once, all get the same one', async () => {
  const { db } = await freshMetadata()
  const authorities = await Promise.all(Array.from({ length: 20 }, () => signingAuthority(db, ring)))
  expect(new Set(authorities.map(({ id }) => id)).size).toBe(1)
  expect(await db.selectFrom('certificate_authority').select('id').execute()).toHaveLength(1)
})

test('the key of the authority is sealed, and opens after the master key has been changed', async () => {
  const { db } = await freshMetadata()
  const { key } = openAuthority(ring, await signingAuthority(db, ring))
  const { rows } = await sql<{
    text: string
  }>`select to_json(t)::text as text from certificate_authority t`.execute(db)
  expect(rows[0]?.text).not.toContain(key)

  const both = keyRing([newKey, oldKey])
  const reseal = (sealed: string, context: string) => both.seal(both.open(sealed, context), context)
  await assertMasterKey(db, both.keyIds, sealedColumns)
  expect(await resealAll(db, sealedColumns, { keyId: both.keyIds[0], reseal })).toBe(1)
  const later = keyRing([newKey])
  await assertMasterKey(db, later.keyIds, sealedColumns)
  expect(openAuthority(later, await signingAuthority(db, later)).key).toBe(key)
})

test('the API reads certificates, and never a key, not even a sealed one', async () => {
  const { db, connection } = await freshMetadata()
  const { certificate } = await signingAuthority(db, ring)
  const pool = openPool({ ...connection, role: 'undrop_api' }, 1)
  try {
    const platform = scopedDb(pool, 'every-tenant')
    expect(await caCertificates(platform)).toBe(certificate)
    expect(await platform.selectFrom('certificate_authority').selectAll().execute()).toEqual([])
    const forged = { id: 'x', certificate, key_sealed: 'x', signs: false }
    const adding = platform.insertInto('certificate_authority').values(forged).execute()
    await expect(adding).rejects.toThrow('row-level security')
    expect(await caCertificates(openDb(pool))).toBe(certificate)
  } finally {
    await pool.end()
  }
})

test('an authority that is introduced is trusted beside the one that signs, until it signs itself', async () => {
  const { db } = await freshMetadata()
  const first = await signingAuthority(db, ring)
  await introduceAuthority(db, ring, actor)
  expect(await findSigningAuthority(db)).toEqual(first)
  const both = await caCertificates(db)
  expect(both.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
  expect(both.startsWith(first.certificate)).toBe(true)
  await expect(introduceAuthority(db, ring, actor)).rejects.toThrow('trusted already')

  await useNewestAuthority(db, actor)
  const second = await signingAuthority(db, ring)
  expect(second.id).not.toBe(first.id)
  expect(await caCertificates(db)).toBe(second.certificate + first.certificate)
})

/** Servers of a host, as far as certificates go. */
const hostWith = (files: ReadonlyMap<string, string>) =>
  ({
    listInstances: async () => [...files.keys()],
    readConfig: async (serverId: string) => files.get(serverId) ?? null,
  }) as unknown as ServerDriver

test('each step of a replacement is in the audit log and an event of the platform, once', async () => {
  const { db } = await freshMetadata()
  const { id: first } = await signingAuthority(db, ring)
  await introduceAuthority(db, ring, actor)
  for (let times = 0; times < 2; times++) await useNewestAuthority(db, actor)
  const { id: second } = await signingAuthority(db, ring)
  for (let times = 0; times < 2; times++) await retireAuthorities(db, hostWith(new Map()), actor)

  const entries = await db.selectFrom('audit_entry').selectAll().orderBy('id').execute()
  expect(entries.map(({ action, resource_id }) => [action, resource_id])).toEqual([
    ['certificate-authority.add', second],
    ['certificate-authority.use', second],
    ['certificate-authority.retire', first],
  ])
  for (const entry of entries)
    expect(entry).toMatchObject({ tenant_id: null, request_id: 'r1', source_address: 'console of here' })
  const events = await db.selectFrom('outbox_event').select(['tenant_id', 'type', 'resource_id']).execute()
  expect(events).toEqual([
    { tenant_id: null, type: 'certificate-authority.added', resource_id: second },
    { tenant_id: null, type: 'certificate-authority.used', resource_id: second },
    { tenant_id: null, type: 'certificate-authority.retired', resource_id: first },
  ])
})

test('of many that add an authority at once, one does', async () => {
  const { db } = await freshMetadata()
  await signingAuthority(db, ring)
  const added = await Promise.allSettled(Array.from({ length: 5 }, () => introduceAuthority(db, ring, actor)))
  expect(added.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect((await caCertificates(db)).match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
})

test('an authority is kept while a server has its certificate or a damaged one, and not for what no row knows', async () => {
  const { db } = await freshMetadata()
  const old = openAuthority(ring, await signingAuthority(db, ring))
  const issued = await issueServerCertificate(old, ['127.0.0.1'], new Date())
  await introduceAuthority(db, ring, actor)
  await useNewestAuthority(db, actor)
  const { serverId } = await anAddon(db, await aTenant(db))
  for (const certificate of [issued, 'damaged']) {
    const host = hostWith(new Map([[serverId, certificate]]))
    await expect(retireAuthorities(db, host, actor)).rejects.toThrow(`${serverId} is not renewed yet`)
  }
  expect(await retireAuthorities(db, hostWith(new Map([[newId('server'), issued]])), actor)).toBe(1)
})
