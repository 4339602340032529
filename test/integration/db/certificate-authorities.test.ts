import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { caCertificates, findSigningAuthority } from '../../../src/db/certificate-authorities.ts'
import { openDb, openPool, scopedDb } from '../../../src/db/client.ts'
import { assertMasterKey } from '../../../src/db/master-key.ts'
import { resealAll } from '../../../src/db/reseal.ts'
import { openAuthority, signingAuthority } from '../../../src/operations/certificate-authority.ts'
import { introduceAuthority, useNewestAuthority } from '../../../src/operations/replace-authority.ts'
import { keyRing } from '../../../src/secrets/key-ring.ts'
import { sealedColumns } from '../../../src/secrets/sealed-columns.ts'
import { freshMetadata } from '../../support/metadata-database.ts'

const [oldKey, newKey] = [randomBytes(32), randomBytes(32)]
const ring = keyRing([oldKey])

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
  await introduceAuthority(db, ring)
  expect(await findSigningAuthority(db)).toEqual(first)
  const both = await caCertificates(db)
  expect(both.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
  expect(both.startsWith(first.certificate)).toBe(true)
  await expect(introduceAuthority(db, ring)).rejects.toThrow('trusted already')

  await useNewestAuthority(db)
  const second = await signingAuthority(db, ring)
  expect(second.id).not.toBe(first.id)
  expect(await caCertificates(db)).toBe(second.certificate + first.certificate)
})
