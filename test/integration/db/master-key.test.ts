import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Db } from '../../../src/db/client.ts'
import { assertMasterKey, knownMasterKey } from '../../../src/db/master-key.ts'
import { resealAll } from '../../../src/db/reseal.ts'
import { findSealedByOthers, replaceSealed } from '../../../src/db/sealed-columns.ts'
import { newId } from '../../../src/domain/ids.ts'
import { type KeyRing, keyRing, sealContext } from '../../../src/secrets/key-ring.ts'
import { sealedColumns } from '../../../src/secrets/sealed-columns.ts'
import { freshMetadata } from '../../support/metadata-database.ts'

const [oldKey, newKey] = [randomBytes(32), randomBytes(32)]
const [before, during, after] = [keyRing([oldKey]), keyRing([newKey, oldKey]), keyRing([newKey])]

const assertRing = (db: Db, ring: KeyRing) => assertMasterKey(db, ring.keyIds, sealedColumns)

const resealUnder = (
  db: Db,
  ring: KeyRing,
  reseal = (sealed: string, context: string) => ring.seal(ring.open(sealed, context), context),
) => resealAll(db, sealedColumns, { keyId: ring.keyIds[0], reseal }, 2)

const tenantSecret = (tenantId: string) => sealContext.tenantStorageKey(tenantId)

/** Tenants with a secret each, sealed by the ring. */
async function tenants(db: Db, ring: KeyRing, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId('tenant'))
  for (const id of ids)
    await db
      .insertInto('tenant')
      .values({ id, name: 'Acme', storage_key_sealed: ring.seal(`secret of ${id}`, tenantSecret(id)) })
      .execute()
  return ids
}

async function sealedOf(db: Db, tenantId: string): Promise<string> {
  const row = await db
    .selectFrom('tenant')
    .select('storage_key_sealed as sealed')
    .where('id', '=', tenantId)
    .executeTakeFirstOrThrow()
  return row.sealed ?? ''
}

test.each(['undrop_api', 'undrop_worker'] as const)(
  '%s is held to the key of the first start',
  async (role) => {
    const { db } = await freshMetadata(role)
    await Promise.all([assertRing(db, before), assertRing(db, before)])
    await assertRing(db, before)
    await expect(assertRing(db, after)).rejects.toThrow('another master key')
    expect(await knownMasterKey(db)).toBe(before.keyIds[0])
  },
)

test('every key that anything is sealed by has to be in the ring, whichever of them seals', async () => {
  const { db } = await freshMetadata()
  await assertRing(db, before)
  await assertRing(db, keyRing([oldKey, newKey]))
  await assertRing(db, during)
  await tenants(db, during, 1)
  // What the second key has sealed meanwhile would be lost.
  await expect(assertRing(db, before)).rejects.toThrow(`the key ${during.keyIds[0]} is missing`)
  await expect(assertRing(db, after)).rejects.toThrow(`the key ${before.keyIds[0]} is missing`)
})

test('sealing again brings every secret under the first key, once, and then the old one can go', async () => {
  const { db } = await freshMetadata()
  await assertRing(db, before)
  const ids = [...(await tenants(db, before, 5)), ...(await tenants(db, during, 1))]
  expect(await resealUnder(db, during)).toBe(5)
  await assertRing(db, after)
  for (const id of ids) expect(after.open(await sealedOf(db, id), tenantSecret(id))).toBe(`secret of ${id}`)
  expect(await resealUnder(db, after)).toBe(0)
  await expect(assertRing(db, before)).rejects.toThrow('another master key')
})

test('two at once that seal by different keys take turns, and everything is sealed by the later one', async () => {
  const { db } = await freshMetadata()
  await assertRing(db, before)
  const reverse = keyRing([oldKey, newKey])
  const ids = [...(await tenants(db, before, 5)), ...(await tenants(db, during, 5))]
  const turns: string[] = []
  const resealAs = (ring: KeyRing, name: string, onTurn = () => {}) =>
    resealUnder(db, ring, (sealed, context) => {
      turns.push(name)
      onTurn()
      return ring.seal(ring.open(sealed, context), context)
    })
  let later: Promise<number> | undefined
  const earlier = resealAs(during, 'earlier', () => {
    later ??= resealAs(reverse, 'later')
  })
  expect([await earlier, await later]).toEqual([5, 10])
  expect(turns).toEqual([...Array(5).fill('earlier'), ...Array(10).fill('later')])
  await assertRing(db, before)
  for (const id of ids) expect(before.open(await sealedOf(db, id), tenantSecret(id))).toBe(`secret of ${id}`)
})

test('a secret that changes while it is sealed again keeps the change, and is sealed again too', async () => {
  const { db } = await freshMetadata()
  await assertRing(db, before)
  const [id = ''] = await tenants(db, before, 1)
  const context = tenantSecret(id)
  const changed = before.seal('changed', context)
  // Another process writes between what was read and what is to be written back.
  const column = sealedColumns[1]
  const [read] = await findSealedByOthers(db, column, after.keyIds[0], { after: '', limit: 1 })
  if (read === undefined) throw new Error('nothing to seal again')
  await db.updateTable('tenant').set({ storage_key_sealed: changed }).where('id', '=', id).execute()
  const next = during.seal(during.open(read.sealed, context), context)
  expect(await replaceSealed(db, column, read, next)).toBe(false)
  expect(await sealedOf(db, id)).toBe(changed)

  expect(await resealUnder(db, during)).toBe(1)
  expect(after.open(await sealedOf(db, id), context)).toBe('changed')
})

test('a secret that no key opens is named and left, and the key is not noted as changed', async () => {
  const { db } = await freshMetadata()
  await assertRing(db, before)
  const [id = ''] = await tenants(db, before, 1)
  const damaged = before.seal('secret', 'elsewhere')
  await db.updateTable('tenant').set({ storage_key_sealed: damaged }).where('id', '=', id).execute()
  await expect(resealUnder(db, during)).rejects.toThrow(`tenant.storage_key_sealed of ${id} does not open`)
  expect(await sealedOf(db, id)).toBe(damaged)
  expect(await knownMasterKey(db)).toBe(before.keyIds[0])
})

test('every column of sealed secrets is known', async () => {
  const { db } = await freshMetadata()
  const { rows } = await sql<{ table: string; column: string }>`
    select table_name as "table", column_name as "column" from information_schema.columns
     where table_schema = 'undrop' and column_name like '%\\_sealed' order by 1, 2`.execute(db)
  const known = sealedColumns.map(({ table, column }) => ({ table, column }))
  expect(known.sort((one, other) => (one.table < other.table ? -1 : 1))).toEqual(rows)
})
