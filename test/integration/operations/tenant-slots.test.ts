import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Db } from '../../../src/db/client.ts'
import { findStartableOperations } from '../../../src/db/unscoped.ts'
import { type Claim, type Decision, operationStore } from '../../../src/operations/store.ts'
import type { WakeUp } from '../../../src/operations/wake-up.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { anOperation, aTenant } from './rows.ts'

const LEASE_SECONDS = 15
const done: Decision = {
  step: 'queued',
  runInSeconds: null,
  keepLease: false,
  memo: {},
  extendSeconds: null,
  error: null,
  failure: null,
  finalStatus: 'succeeded',
  writes: [],
}

const several = (db: Db, tenantId: string, count: number): Promise<WakeUp[]> =>
  Promise.all(Array.from({ length: count }, () => anOperation(db, tenantId)))

const wins = (claims: (Claim | null)[]): Claim[] => claims.filter((claim) => claim !== null)

test('no more than max_concurrent_operations of a tenant run, however many workers try at once', async () => {
  const { db } = await freshMetadata()
  const store = operationStore(db, LEASE_SECONDS)
  const operations = await several(db, await aTenant(db, 3), 12)
  const first = wins(await Promise.all(operations.map((wakeUp) => store.claim(wakeUp))))
  expect(first).toHaveLength(3)
  expect(wins(await Promise.all(operations.map((wakeUp) => store.claim(wakeUp))))).toEqual([])

  const [ended] = first
  if (ended === undefined) throw new Error('three have begun')
  await store.commit(ended, done)
  expect(wins(await Promise.all(operations.map((wakeUp) => store.claim(wakeUp))))).toHaveLength(1)
})

test('a cancelled operation needs no slot to be undone', async () => {
  const { db } = await freshMetadata()
  const store = operationStore(db, LEASE_SECONDS)
  const [first, second] = await several(db, await aTenant(db, 1), 2)
  if (first === undefined || second === undefined) throw new Error('there are two')
  await store.claim(first)
  expect(await store.claim(second)).toBeNull()
  await db
    .updateTable('operation')
    .set({ cancel_requested: true })
    .where('id', '=', second.operationId)
    .execute()
  expect(await store.claim(second)).toMatchObject({ cancelRequested: true })
})

test('500 queued operations of one tenant do not delay the first of another', async () => {
  const { db } = await freshMetadata()
  const [busy, other] = [await aTenant(db), await aTenant(db)]
  const { operationId } = await anOperation(db, busy)
  // Copies of the first one, each on a server of its own.
  await sql`
    with numbers as (select n from generate_series(1, 499) as n),
    servers as (insert into server (id, tenant_id, addon_id)
      select 'srv_' || n, tenant_id, addon_id from operation, numbers where id = ${operationId} returning id)
    insert into operation (id, tenant_id, kind, server_id, addon_id, step, memo)
    select 'op_' || lpad(n::text, 4, '0'), tenant_id, kind, 'srv_' || n, addon_id, step, memo
      from operation, numbers where id = ${operationId}`.execute(db)
  const { operationId: wanted } = await anOperation(db, other)

  const startable = await findStartableOperations(db, null, 500)
  expect(startable.map((each) => each.operationId)).toContain(wanted)
  expect(startable).toHaveLength(5)
  const store = operationStore(db, LEASE_SECONDS)
  expect(wins(await Promise.all(startable.map((wakeUp) => store.claim(wakeUp))))).toHaveLength(5)
  expect(await findStartableOperations(db, null, 500)).toEqual([])
})

test('the oldest operation of a tenant is the first to begin', async () => {
  const { db } = await freshMetadata()
  const tenantId = await aTenant(db, 1)
  const first = await anOperation(db, tenantId)
  await several(db, tenantId, 3)
  expect(await findStartableOperations(db, tenantId, 500)).toEqual([first])
})
