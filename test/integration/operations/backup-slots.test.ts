import { expect, test } from 'vitest'
import type { Db } from '../../../src/db/client.ts'
import { newId } from '../../../src/domain/ids.ts'
import { takeSlot } from '../../../src/operations/backup-slots.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { anAddon, aTenant } from './rows.ts'

async function queued(db: Db, tenantId: string): Promise<string> {
  const { addonId, serverId } = await anAddon(db, tenantId)
  const id = newId('backup')
  const owner = { tenant_id: tenantId, addon_id: addonId, server_id: serverId }
  await db
    .insertInto('backup')
    .values({ id, ...owner, type: 'full', status: 'queued' })
    .execute()
  return id
}

async function ground(backups: number) {
  const { db } = await freshMetadata()
  const tenantId = await aTenant(db)
  const ids = []
  for (let each = 0; each < backups; each++) ids.push(await queued(db, tenantId))
  return { db, ids }
}

test('of backups that begin at the same time no more run than there are slots', async () => {
  const { db, ids } = await ground(8)
  const taken = await Promise.all(ids.map((id) => takeSlot(db, id, 3)))
  expect(taken.filter((each) => each)).toHaveLength(3)
  const running = db.selectFrom('backup').select('id').where('status', '=', 'running')
  expect(await running.execute()).toHaveLength(3)
})

test('a slot that is asked for again is the same one, and is told of once', async () => {
  const { db, ids } = await ground(1)
  const [id = ''] = ids
  expect([await takeSlot(db, id, 1), await takeSlot(db, id, 1)]).toEqual([true, true])
  expect(await db.selectFrom('outbox_event').select('type').execute()).toEqual([{ type: 'backup.running' }])
})

test('a slot is free again once its backup has ended, and what has ended takes none', async () => {
  const { db, ids } = await ground(2)
  const [one = '', other = ''] = ids
  expect([await takeSlot(db, one, 1), await takeSlot(db, other, 1)]).toEqual([true, false])
  await db.updateTable('backup').set({ status: 'cancelled' }).where('id', '=', one).execute()
  expect([await takeSlot(db, one, 1), await takeSlot(db, other, 1)]).toEqual([false, true])
})
