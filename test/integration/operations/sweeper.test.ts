import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Db } from '../../../src/db/client.ts'
import { DEFAULT_POLICY } from '../../../src/domain/backup-policy.ts'
import { openOperation } from '../../../src/operations/open.ts'
import { operationStore } from '../../../src/operations/store.ts'
import { sweep } from '../../../src/operations/sweeper.ts'
import type { WakeUp } from '../../../src/operations/wake-up.ts'
import { keyRing } from '../../../src/secrets/key-ring.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { anAddon, anOperation, aTenant, letPass } from './rows.ts'

const ring = keyRing([randomBytes(32)])
const LEASE_SECONDS = 15
let db: Db
let tenantId: string
beforeEach(async () => {
  db = (await freshMetadata()).db
  tenantId = await aTenant(db)
})

async function rungBySweep(): Promise<WakeUp[]> {
  const rung: WakeUp[] = []
  const doorbell = { ring: async (wakeUp: WakeUp) => void rung.push(wakeUp) }
  await sweep({
    db,
    doorbell,
    platformPolicy: DEFAULT_POLICY,
    backupsMax: 4,
    keyRing: ring,
    eventsKeptDays: 30,
  })
  return rung
}

async function claimed() {
  const wakeUp = await anOperation(db, tenantId)
  await operationStore(db, LEASE_SECONDS).claim(wakeUp)
  return wakeUp
}

const open = (addonId: string) =>
  db
    .selectFrom('operation')
    .selectAll()
    .where('addon_id', '=', addonId)
    .where('finished_at', 'is', null)
    .execute()

const finishAll = (ago: string) =>
  db
    .updateTable('operation')
    .set({ status: 'succeeded', finished_at: sql`now() - ${ago}::interval` })
    .execute()

describe('the sweeper rings', () => {
  test('for queued operations, whose ring may have been lost', async () => {
    const wakeUp = await anOperation(db, tenantId)
    expect(await rungBySweep()).toEqual([wakeUp])
  })

  test('for operations whose worker has died', async () => {
    const wakeUp = await claimed()
    expect(await rungBySweep()).toEqual([])
    await letPass(db, wakeUp, LEASE_SECONDS + 1)
    expect(await rungBySweep()).toEqual([wakeUp])
  })

  test('for operations that have waited long enough, and not for those that wait on', async () => {
    const wakeUp = await claimed()
    await sql`update operation set lease_until = null, run_at = now() + interval '60 seconds'`.execute(db)
    expect(await rungBySweep()).toEqual([])
    await letPass(db, wakeUp, 63)
    expect(await rungBySweep()).toEqual([wakeUp])
  })

  test('for nothing that is finished', async () => {
    await claimed()
    await finishAll('0 seconds')
    expect(await rungBySweep()).toEqual([])
  })
})

test('a stage that fails keeps nothing else from being opened or rung for, and is told of', async () => {
  const [wakeUp, { addonId }] = [await anOperation(db, tenantId), await anAddon(db, tenantId, 'deleting')]
  const rung: WakeUp[] = []
  const doorbell = { ring: async (each: WakeUp) => void rung.push(each) }
  // Drills cannot be planned by it, nor backups.
  const platformPolicy = { ...DEFAULT_POLICY, drillEvery: 'never', fullEvery: 'never' }
  await sql`update archive set archiving_since = now()`.execute(db)
  await sql`update addon set status = 'available', protection = 'protected' where id <> ${addonId}`.execute(
    db,
  )
  await expect(
    sweep({ db, doorbell, platformPolicy, backupsMax: 4, keyRing: ring, eventsKeptDays: 30 }),
  ).rejects.toMatchObject({
    errors: [expect.anything(), expect.anything()],
  })
  expect(await open(addonId)).toMatchObject([{ kind: 'addon.delete' }])
  expect(rung).toContainEqual(wakeUp)
  expect(rung).toHaveLength(2)
})

describe('a deletion', () => {
  test('is opened once nothing else is open on the server', async () => {
    const addon = await anAddon(db, tenantId, 'deleting')
    await openOperation(db, { ...addon, kind: 'backup.take', memo: {} })
    await rungBySweep()
    expect(await open(addon.addonId)).toMatchObject([{ kind: 'backup.take' }])
    await finishAll('0 seconds')
    expect(await rungBySweep()).toHaveLength(1)
    expect(await open(addon.addonId)).toMatchObject([{ kind: 'addon.delete', cancel_requested: false }])
  })

  test('asks other work on the server to end, also such as was opened after it', async () => {
    const [addon, other] = [await anAddon(db, tenantId, 'deleting'), await anAddon(db, tenantId)]
    await openOperation(db, { ...addon, kind: 'server.protect', memo: {} })
    await openOperation(db, { ...other, kind: 'server.protect', memo: {} })
    await rungBySweep()
    expect(await open(addon.addonId)).toMatchObject([{ cancel_requested: true }])
    expect(await open(other.addonId)).toMatchObject([{ cancel_requested: false }])
  })

  test('is opened once only, however many sweepers there are', async () => {
    const { addonId } = await anAddon(db, tenantId, 'deleting')
    await Promise.all([rungBySweep(), rungBySweep(), rungBySweep()])
    expect(await open(addonId)).toMatchObject([{ kind: 'addon.delete' }])
  })
})

describe('protection', () => {
  async function unprotected(idle: string): Promise<string> {
    const addon = await anAddon(db, tenantId, 'available')
    await openOperation(db, { ...addon, kind: 'server.protect', memo: {} })
    await finishAll(idle)
    return addon.addonId
  }

  test('of an add-on that serves without it is tried again after a minute', async () => {
    const addonId = await unprotected('61 seconds')
    await rungBySweep()
    expect(await open(addonId)).toMatchObject([{ kind: 'server.protect' }])
  })

  test('that has just failed is left alone for a while', async () => {
    const addonId = await unprotected('30 seconds')
    await rungBySweep()
    expect(await open(addonId)).toEqual([])
  })

  test('that exists is not begun again', async () => {
    const addonId = await unprotected('1 hour')
    await db.updateTable('addon').set({ protection: 'protected' }).where('id', '=', addonId).execute()
    await rungBySweep()
    expect(await open(addonId)).toEqual([])
  })
})
