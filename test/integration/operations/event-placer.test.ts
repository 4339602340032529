import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { openPool } from '../../../src/db/client.ts'
import { EVENTS_CHANNEL } from '../../../src/db/event-positions.ts'
import { listen } from '../../../src/db/listen.ts'
import { newId } from '../../../src/domain/ids.ts'
import { recordEvent } from '../../../src/notify/outbox.ts'
import { startPlacingEvents } from '../../../src/operations/event-placer.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { until } from '../../support/until.ts'

async function ground() {
  const metadata = await freshMetadata()
  const { db, connection } = metadata
  const tenantId = newId('tenant')
  await db.insertInto('tenant').values({ id: tenantId, name: 'Acme' }).execute()
  const record = () =>
    recordEvent(db, { tenantId, type: 'addon.created', payload: { addonId: newId('addon'), name: 'shop' } })
  const unplaced = async () => {
    const rows = db.selectFrom('outbox_event').select('id').where('position', 'is', null)
    return (await rows.execute()).length
  }
  const place = () => {
    const placer = startPlacingEvents(db, connection, () => {})
    onTestFinished(placer.close)
    return placer
  }
  return { ...metadata, record, unplaced, place }
}

test('an event is placed once it is committed, and whoever reads is told', async () => {
  const { connection, record, unplaced, place } = await ground()
  let told = 0
  const listener = listen(
    connection,
    EVENTS_CHANNEL,
    () => (told += 1),
    () => {},
  )
  onTestFinished(listener.close)
  await until(() => told === 1)
  place()
  await record()
  await until(async () => (await unplaced()) === 0)
  await until(() => told === 2)
})

test('events are placed after the session that listens was lost, those of meanwhile too', async () => {
  const { record, unplaced, place, connection } = await ground()
  place()
  await record()
  await until(async () => (await unplaced()) === 0)
  const admin = openPool({ ...connection, role: 'undrop_migrator' }, 1)
  onTestFinished(() => admin.end())
  const listeners = `select pg_terminate_backend(pid) from pg_stat_activity
                      where datname = current_database() and query ilike 'listen %'`
  await admin.query('set role none')
  await until(async () => (await admin.query(listeners)).rowCount === 1)
  await record()
  await until(async () => (await unplaced()) === 0)
  await until(async () => {
    const sessions = await admin.query(`select from pg_stat_activity
      where datname = current_database() and query ilike 'listen %'`)
    return sessions.rowCount === 1
  })
})

test('what was written while no worker ran is placed when one begins', async () => {
  const { record, unplaced, place } = await ground()
  for (let times = 0; times < 3; times++) await record()
  expect(await unplaced()).toBe(3)
  place()
  place()
  await until(async () => (await unplaced()) === 0)
})

test('a transaction that is rolled back leaves no event and tells nobody', async () => {
  const { db, connection } = await ground()
  let told = 0
  const listener = listen(
    connection,
    'undrop_events_written',
    () => (told += 1),
    () => {},
  )
  onTestFinished(listener.close)
  await until(() => told === 1)
  const tx = await db.startTransaction().execute()
  await sql`insert into outbox_event (tenant_id, type, resource_id, payload)
            select id, 'tenant.deleted', id, '{}' from tenant`.execute(tx)
  await tx.rollback().execute()
  // Whatever was told before this has come by the time this has.
  await sql`select pg_notify('undrop_events_written', '')`.execute(db)
  await until(() => told > 1)
  expect(told).toBe(2)
})
