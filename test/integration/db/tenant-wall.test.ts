import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { scopedDb } from '../../../src/db/client.ts'
import { newId } from '../../../src/domain/ids.ts'
import { freshMetadata } from '../../support/metadata-database.ts'

/** Two tenants, as the platform has made them. */
async function twoTenants() {
  const { db: unscopedDb, pool } = await freshMetadata('undrop_api')
  const platform = scopedDb(pool, 'every-tenant')
  const [one, other] = [newId('tenant'), newId('tenant')]
  for (const id of [one, other]) {
    await platform.insertInto('tenant').values({ id, name: id }).execute()
    const event = { tenant_id: id, type: 'addon.created', resource_id: id, payload: '{}' }
    await platform.insertInto('outbox_event').values(event).execute()
  }
  const tenantsSeen = async (db = platform) =>
    (await db.selectFrom('tenant').select('id').orderBy('id').execute()).map(({ id }) => id)
  return { unscopedDb, pool, platform, one, other, tenantsSeen }
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

test('without a tenant there is nothing to see', async () => {
  const { connection } = await freshMetadata('undrop_api')
  expect(connection.role).toBe('undrop_api')
  const { unscopedDb, tenantsSeen } = await twoTenants()
  const fresh = await sql`select set_config('undrop.tenant', '', false)`.execute(unscopedDb)
  expect(fresh.rows).toHaveLength(1)
  expect(await tenantsSeen(unscopedDb)).toEqual([])
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
