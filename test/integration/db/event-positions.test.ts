import { expect, test } from 'vitest'
import type { Db, Executor } from '../../../src/db/client.ts'
import { placeEvents } from '../../../src/db/event-positions.ts'
import { newId } from '../../../src/domain/ids.ts'
import { recordEvent } from '../../../src/notify/outbox.ts'
import { freshMetadata } from '../../support/metadata-database.ts'

async function tenantOn(db: Db) {
  const tenantId = newId('tenant')
  await db.insertInto('tenant').values({ id: tenantId, name: 'Acme' }).execute()
  const record = (ex: Executor, name: string) =>
    recordEvent(ex, { tenantId, type: 'addon.created', payload: { addonId: newId('addon'), name } })
  const placed = async () => {
    const rows = await db
      .selectFrom('outbox_event')
      .select('payload')
      .where('position', 'is not', null)
      .orderBy('position')
      .execute()
    return rows.map(({ payload }) => (payload as { name: string }).name)
  }
  return { record, placed }
}

test('an event that is committed late stands behind those that have been read', async () => {
  const { db } = await freshMetadata()
  const { record, placed } = await tenantOn(db)
  const late = await db.startTransaction().execute()
  await record(late, 'late')
  await record(db, 'early')
  expect(await placeEvents(db)).toBe(1)
  expect(await placed()).toEqual(['early'])
  await late.commit().execute()
  expect(await placeEvents(db)).toBe(1)
  expect(await placed()).toEqual(['early', 'late'])
})

test('several workers that place events give each one position, in the order in which they were written', async () => {
  const { db } = await freshMetadata()
  const { record, placed } = await tenantOn(db)
  const names = Array.from({ length: 100 }, (_, index) => `event ${index}`)
  for (const name of names) await record(db, name)
  const counts = await Promise.all(Array.from({ length: 20 }, () => placeEvents(db, 10)))
  expect(counts.reduce((sum, count) => sum + count)).toBe(100)
  expect(await placed()).toEqual(names)
})
