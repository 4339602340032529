import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Db } from '../../../src/db/client.ts'
import { DEFAULT_POLICY } from '../../../src/domain/backup-policy.ts'
import { newId } from '../../../src/domain/ids.ts'
import { openDueDrill } from '../../../src/operations/due-drills.ts'
import { openOperation } from '../../../src/operations/open.ts'
import { keyRing } from '../../../src/secrets/key-ring.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { anAddon, aTenant, type Owned } from './rows.ts'

const ring = keyRing([randomBytes(32)])
let db: Db
let tenantId: string
beforeEach(async () => {
  db = (await freshMetadata()).db
  tenantId = await aTenant(db)
})

const DAILY = { drillEvery: 'P1D' }
const sweepDrills = (policy: object = {}) =>
  openDueDrill({ db, keyRing: ring, platformPolicy: { ...DEFAULT_POLICY, ...policy } })

/** An add-on with a backup that has archived for that long. */
async function protectedFor(age: string, policy: object = DAILY): Promise<Owned> {
  const addon = await anAddon(db, tenantId)
  const { addonId, serverId } = addon
  await sql`update addon set protection = 'protected', backup_policy = ${JSON.stringify(policy)} where id = ${addonId}`.execute(
    db,
  )
  await sql`update archive set archiving_since = now() - ${age}::interval where server_id = ${serverId}`.execute(
    db,
  )
  await sql`
    insert into backup (id, tenant_id, addon_id, server_id, type, status, label)
    values (${newId('backup')}, ${tenantId}, ${addonId}, ${serverId}, 'full', 'succeeded', '20261123-130000F')`.execute(
    db,
  )
  return addon
}

const drills = () =>
  db.selectFrom('drill').select(['id', 'addon_id', 'scheduled', 'child_server_id']).orderBy('id').execute()
const endDrills = () => sql`update drill set status = 'succeeded', finished_at = now()`.execute(db)

async function nextDrillInSeconds({ serverId }: Owned): Promise<number | null> {
  const { rows } = await sql<{ seconds: number | null }>`
    select extract(epoch from next_drill_at - now())::float8 as seconds from archive where server_id = ${serverId}`.execute(
    db,
  )
  return rows[0]?.seconds ?? null
}

describe('a scheduled drill', () => {
  test('is opened when its time has come, and planned anew', async () => {
    const addon = await protectedFor('2 days')
    await sweepDrills()
    expect(await drills()).toMatchObject([{ addon_id: addon.addonId, scheduled: true }])
    await endDrills()
    await sweepDrills()
    expect(await drills()).toHaveLength(1)
    const seconds = await nextDrillInSeconds(addon)
    expect(seconds).toBeGreaterThan(86_300)
    expect(seconds).toBeLessThanOrEqual(86_400)
  })

  test('first comes at a time within the interval that is another one for every server', async () => {
    const addons = await Promise.all(Array.from({ length: 8 }, () => protectedFor('0 seconds')))
    await sweepDrills()
    const times = await Promise.all(addons.map(nextDrillInSeconds))
    for (const seconds of times) {
      expect(seconds).toBeGreaterThan(-60)
      expect(seconds).toBeLessThanOrEqual(86_400)
    }
    expect(new Set(times).size).toBe(times.length)
  })

  test('is opened while no other scheduled one goes on, of whatever add-on, and by one sweeper', async () => {
    await Promise.all([protectedFor('2 days'), protectedFor('2 days')])
    await Promise.all([sweepDrills(), sweepDrills(), sweepDrills()])
    expect(await drills()).toHaveLength(1)
    await endDrills()
    await sweepDrills()
    const both = await drills()
    expect(new Set(both.map((drill) => drill.addon_id)).size).toBe(2)
  })

  /** Due add-ons that are drilled already, as somebody has asked for it. */
  async function askedFor(count: number): Promise<void> {
    for (let drilled = 0; drilled < count; drilled += 1) {
      await protectedFor('2 days')
      await sweepDrills()
      await sql`update drill set scheduled = false`.execute(db)
      await sql`update archive set drill_stale = true`.execute(db)
    }
  }

  test('does not wait for drills that were asked for, unless they are many', async () => {
    await askedFor(3)
    const addon = await protectedFor('2 days')
    await sweepDrills()
    const open = await drills()
    expect(open.filter((drill) => drill.scheduled)).toMatchObject([{ addon_id: addon.addonId }])
    await sql`update drill set scheduled = false`.execute(db)
    await protectedFor('2 days')
    await sweepDrills()
    expect(await drills()).toHaveLength(4)
  })

  test('does not wait for one that has been stuck for a day', async () => {
    await protectedFor('2 days')
    await sweepDrills()
    const addon = await protectedFor('2 days')
    await sweepDrills()
    expect(await drills()).toHaveLength(1)
    await sql`update drill set created_at = now() - interval '25 hours'`.execute(db)
    await sql`update archive set next_drill_at = now() - interval '1 hour'`.execute(db)
    await sweepDrills()
    expect((await drills()).map((drill) => drill.addon_id)).toContain(addon.addonId)
    expect(await drills()).toHaveLength(2)
  })

  test('comes as the add-on says, else its tenant, else the platform; null is never', async () => {
    const own = await protectedFor('2 days', { drillEvery: null })
    const inherits = await protectedFor('2 days', {})
    await sweepDrills({ drillEvery: null })
    expect(await drills()).toEqual([])
    await sql`update tenant set backup_policy = '{"drillEvery": null}'`.execute(db)
    await sql`update archive set drill_stale = true`.execute(db)
    await sweepDrills(DAILY)
    expect(await drills()).toEqual([])
    await sql`update tenant set backup_policy = ${JSON.stringify(DAILY)}`.execute(db)
    await sql`update archive set drill_stale = true`.execute(db)
    await sweepDrills()
    expect(await drills()).toMatchObject([{ addon_id: inherits.addonId }])
    expect(await nextDrillInSeconds(own)).toBeNull()
  })

  test('is planned anew when the policy changes while it is planned', async () => {
    const addon = await protectedFor('2 days', { drillEvery: 'P30D' })
    const { serverId, addonId } = addon
    await db.transaction().execute(async (tx) => {
      await sql`update archive set drill_stale = true where server_id = ${serverId}`.execute(tx)
      await sql`update addon set backup_policy = ${JSON.stringify(DAILY)} where id = ${addonId}`.execute(tx)
      // It does not wait for the change, and leaves the archive to the next sweep.
      await sweepDrills()
    })
    expect(await drills()).toEqual([])
    await sweepDrills()
    expect(await drills()).toMatchObject([{ addon_id: addonId }])
  })

  test('waits for an add-on that serves and has a backup that can be restored', async () => {
    const [failed, damaged] = [await protectedFor('2 days'), await protectedFor('2 days')]
    await sql`update addon set status = 'failed' where id = ${failed.addonId}`.execute(db)
    await sql`update backup set damaged_at = now() where addon_id = ${damaged.addonId}`.execute(db)
    await sweepDrills()
    expect(await drills()).toEqual([])
  })

  test('is asked to end when its add-on is to be deleted', async () => {
    const addon = await protectedFor('2 days')
    await sweepDrills()
    const [drill] = await drills()
    const childServerId = drill?.child_server_id ?? ''
    // It has passed from one operation to the next since the deletion was asked for.
    await sql`update operation set finished_at = now() where server_id = ${childServerId}`.execute(db)
    await sql`update addon set status = 'deleting' where id = ${addon.addonId}`.execute(db)
    const child = { tenantId, addonId: addon.addonId, serverId: childServerId }
    const { operationId } = await openOperation(db, { ...child, kind: 'restore.run', memo: {} })
    await sweepDrills()
    const open = db
      .selectFrom('operation')
      .select(['id', 'cancel_requested'])
      .where('finished_at', 'is', null)
    expect(await open.execute()).toEqual([{ id: operationId, cancel_requested: true }])
  })
})
