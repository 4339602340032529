import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { scopedDb, unenteredDb } from '../../../src/db/client.ts'
import { newId } from '../../../src/domain/ids.ts'
import { freshMetadata } from '../../support/metadata-database.ts'

/** Two tenants, as the platform has made them. */
async function twoTenants() {
  const { pool } = await freshMetadata('undrop_api')
  const platform = scopedDb(pool, 'every-tenant')
  const [one, other] = [newId('tenant'), newId('tenant')]
  for (const id of [one, other]) {
    await platform.insertInto('tenant').values({ id, name: id }).execute()
    const event = { tenant_id: id, type: 'addon.created', resource_id: id, payload: '{}' }
    await platform.insertInto('outbox_event').values(event).execute()
  }
  const tenantsSeen = async (db = platform) =>
    (await db.selectFrom('tenant').select('id').orderBy('id').execute()).map(({ id }) => id)
  return { pool, platform, one, other, tenantsSeen }
}

test('a query that forgets to name its tenant sees the rows of that tenant alone, on whatever connection it runs', async () => {
  const { pool, platform, one, other, tenantsSeen } = await twoTenants()
  expect(await tenantsSeen(platform)).toEqual([one, other].sort())
  for (const tenantId of [one, other, one]) {
    const db = scopedDb(pool, { tenantId })
    expect(await tenantsSeen(db)).toEqual([tenantId])
    expect(await db.selectFrom('outbox_event').select('tenant_id').execute()).toEqual([
      { tenant_id: tenantId },
    ])
  }
  const many = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? one : other))
  const seen = await Promise.all(many.map((tenantId) => tenantsSeen(scopedDb(pool, { tenantId }))))
  expect(seen).toEqual(many.map((tenantId) => [tenantId]))
})

test('without a tenant there is nothing to see, whoever has had the session before', async () => {
  const { pool, platform, one, other, tenantsSeen } = await twoTenants()
  const nobody = unenteredDb(pool)
  for (const db of [platform, scopedDb(pool, { tenantId: one }), platform]) {
    expect((await tenantsSeen(db)).length).toBeGreaterThan(0)
    expect(await tenantsSeen(nobody)).toEqual([])
  }
  expect(pool.totalCount).toBe(1)
  expect(await tenantsSeen(scopedDb(pool, { tenantId: other }))).toEqual([other])
})

test('rows of another tenant can be neither changed nor removed nor written', async () => {
  const { pool, one, other, platform } = await twoTenants()
  const db = scopedDb(pool, { tenantId: one })
  const changed = await db.updateTable('tenant').set({ name: 'mine' }).executeTakeFirstOrThrow()
  expect(changed.numUpdatedRows).toBe(1n)
  const removed = await db.deleteFrom('outbox_event').executeTakeFirstOrThrow()
  expect(removed.numDeletedRows).toBe(1n)
  const forged = { tenant_id: other, type: 'addon.created', resource_id: other, payload: '{}' }
  await expect(db.insertInto('outbox_event').values(forged).execute()).rejects.toThrow('row-level security')
  expect(await platform.selectFrom('tenant').select('name').where('id', '=', other).execute()).toEqual([
    { name: other },
  ])
})

/** Tables that belong to nobody, or to whoever may open what is in them. */
const WITHOUT_WALL = [
  'kysely_migration',
  'kysely_migration_lock',
  'master_key',
  'measured_rate',
  'observation',
  'platform_policy',
]

test('every table has a wall but those that hold nothing of a tenant', async () => {
  const { db } = await freshMetadata('undrop_worker')
  const { rows } = await sql<{ name: string; walled: boolean }>`
    select relname as name, relrowsecurity as walled from pg_class
     where relnamespace = 'undrop'::regnamespace and relkind in ('r', 'p') order by relname`.execute(db)
  expect(rows.length).toBeGreaterThan(WITHOUT_WALL.length)
  expect(rows.filter(({ walled }) => !walled).map(({ name }) => name)).toEqual(WITHOUT_WALL)
})

test('what belongs to no tenant cannot be changed or removed by the API', async () => {
  const { db } = await freshMetadata('undrop_api')
  for (const table of WITHOUT_WALL) {
    const { rows } = await sql<Record<string, boolean>>`
      select has_table_privilege(${`undrop.${table}`}, 'update') as "canUpdate",
             has_table_privilege(${`undrop.${table}`}, 'delete') as "canDelete",
             has_table_privilege(${`undrop.${table}`}, 'insert') as "canInsert"`.execute(db)
    const canInsert = table === 'master_key'
    expect(rows, table).toEqual([{ canUpdate: false, canDelete: false, canInsert }])
  }
})
