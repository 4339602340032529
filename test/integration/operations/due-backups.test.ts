import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Db } from '../../../src/db/client.ts'
import { dueBackups, markScheduleStale, notePlatformPolicy } from '../../../src/db/schedule.ts'
import { type BackupPolicy, DEFAULT_POLICY } from '../../../src/domain/backup-policy.ts'
import { newId } from '../../../src/domain/ids.ts'
import { openOperation } from '../../../src/operations/open.ts'
import { sweep } from '../../../src/operations/sweeper.ts'
import { keyRing } from '../../../src/secrets/key-ring.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { anAddon, aTenant, type Owned } from './rows.ts'

let db: Db
let tenantId: string
beforeEach(async () => {
  db = (await freshMetadata()).db
  tenantId = await aTenant(db)
})

const doorbell = { ring: async () => {} }
const sweepOnce = (backupsMax = 4, platformPolicy = DEFAULT_POLICY) =>
  sweep({ db, doorbell, keyRing: keyRing([randomBytes(32)]), platformPolicy, backupsMax, eventsKeptDays: 30 })

/** An add-on that is protected by a full backup of that age. */
async function protectedAddon(
  ago = '1 minute',
  policy: BackupPolicy = {},
  ofTenant = tenantId,
): Promise<Owned> {
  const addon = await anAddon(db, ofTenant)
  await sql`update addon set protection = 'protected', backup_policy = ${JSON.stringify(policy)}
             where id = ${addon.addonId}`.execute(db)
  await sql`update archive set archiving_since = now() where server_id = ${addon.serverId}`.execute(db)
  await sql`
    insert into backup (id, tenant_id, addon_id, server_id, type, status, label, backup_stopped_at)
    values (${newId('backup')}, ${ofTenant}, ${addon.addonId}, ${addon.serverId}, 'full', 'succeeded',
            '20261123-130000F', now() - ${ago}::interval)`.execute(db)
  return addon
}

const scheduleOf = async ({ serverId }: Owned) => {
  const { rows } = await sql<{ type: string | null; secondsLeft: number | null; stale: boolean }>`
    select next_backup_type as type, schedule_stale as stale,
           extract(epoch from next_backup_at - now())::float8 as "secondsLeft"
      from archive where server_id = ${serverId}`.execute(db)
  return rows[0] ?? { type: null, secondsLeft: null, stale: false }
}

async function due(policy: BackupPolicy = {}, ofTenant = tenantId): Promise<Owned> {
  const addon = await protectedAddon('1 minute', policy, ofTenant)
  await makeDue(addon)
  return addon
}

const makeDue = ({ serverId }: Owned) =>
  sql`update archive set next_backup_at = now() - interval '1 second', next_backup_type = 'differential',
             schedule_stale = false where server_id = ${serverId}`.execute(db)

/** A backup that was asked for. */
async function onRequest(ofTenant: string, state: 'queued' | 'begun'): Promise<void> {
  const addon = await anAddon(db, ofTenant)
  const { operationId } = await openOperation(db, { ...addon, kind: 'backup.take', memo: {} })
  if (state === 'begun')
    await sql`update operation set started_at = now() where id = ${operationId}`.execute(db)
}

const openBackups = () =>
  db
    .selectFrom('operation')
    .select(['server_id', 'memo'])
    .where('kind', '=', 'backup.take')
    .where('finished_at', 'is', null)
    .execute()

describe('the sweeper plans', () => {
  test('the next backup of what is protected, and once only', async () => {
    const addon = await protectedAddon()
    await sweepOnce()
    const { secondsLeft, stale } = await scheduleOf(addon)
    expect(secondsLeft).toBeGreaterThan(0)
    expect(secondsLeft).toBeLessThanOrEqual(86_400)
    expect(stale).toBe(false)
  })

  test('nothing for an add-on that has no first backup yet', async () => {
    const addon = await protectedAddon()
    await sql`update addon set protection = 'pending' where id = ${addon.addonId}`.execute(db)
    // Its protection is not what is looked at here.
    await openOperation(db, { ...addon, kind: 'server.protect', memo: {} })
    await sweepOnce()
    expect(await scheduleOf(addon)).toMatchObject({ secondsLeft: null, stale: true })
  })

  test('anew when the policy of the add-on, of its tenant or of the platform has changed', async () => {
    const [addon, other] = [await protectedAddon(), await protectedAddon()]
    await notePlatformPolicy(db, DEFAULT_POLICY)
    await sweepOnce()
    await markScheduleStale(db, addon)
    expect([await scheduleOf(addon), await scheduleOf(other)]).toMatchObject([
      { stale: true },
      { stale: false },
    ])
    await sweepOnce()
    await markScheduleStale(db, { tenantId })
    expect([await scheduleOf(addon), await scheduleOf(other)]).toMatchObject([
      { stale: true },
      { stale: true },
    ])
    await sweepOnce()
    await notePlatformPolicy(db, DEFAULT_POLICY)
    expect(await scheduleOf(addon)).toMatchObject({ stale: false })
    const hourly = { ...DEFAULT_POLICY, differentialEvery: 'PT1H' }
    await notePlatformPolicy(db, hourly)
    expect(await scheduleOf(addon)).toMatchObject({ stale: true })
    await sweepOnce(4, hourly)
    expect((await scheduleOf(addon)).secondsLeft).toBeLessThanOrEqual(3600)
  })

  test('by the policy of the add-on before that of its tenant', async () => {
    await sql`update tenant set backup_policy = '{"differentialEvery": "PT6H"}' where id = ${tenantId}`.execute(
      db,
    )
    const [own, inherited] = [
      await protectedAddon('1 minute', { differentialEvery: 'PT10M' }),
      await protectedAddon(),
    ]
    await sweepOnce()
    expect((await scheduleOf(own)).secondsLeft).toBeLessThanOrEqual(600)
    expect((await scheduleOf(inherited)).secondsLeft).toBeLessThanOrEqual(6 * 3600)
  })

  test('what was missed within the hour, and not at once', async () => {
    const addon = await protectedAddon('30 days')
    await sweepOnce()
    const { secondsLeft, type } = await scheduleOf(addon)
    expect(type).toBe('full')
    expect(secondsLeft).toBeGreaterThan(600)
    expect(secondsLeft).toBeLessThanOrEqual(3601)
  })
})

describe('the sweeper opens', () => {
  test('a backup that is due, of the type that is due, and takes it off the schedule', async () => {
    const addon = await due()
    await sweepOnce()
    expect(await openBackups()).toMatchObject([{ server_id: addon.serverId, memo: { type: 'differential' } }])
    const backup = db.selectFrom('backup').selectAll().where('scheduled', '=', true)
    expect(await backup.execute()).toMatchObject([{ type: 'differential', status: 'queued' }])
    expect(await scheduleOf(addon)).toMatchObject({ secondsLeft: null })
    const events = db.selectFrom('outbox_event').selectAll().where('type', '=', 'backup.queued')
    expect(await events.execute()).toHaveLength(1)
  })

  test('no more than so many in all, those first that have been due longest', async () => {
    const addons = [await due(), await due(), await due(), await due()]
    const longest = addons[2] as Owned
    await sql`update archive set next_backup_at = now() - interval '1 hour' where server_id = ${longest.serverId}`.execute(
      db,
    )
    await onRequest(tenantId, 'begun')
    await sweepOnce(2)
    await sweepOnce(2)
    const open = await openBackups()
    expect(open).toHaveLength(2)
    expect(open.map((each) => each.server_id)).toContain(longest.serverId)
  })

  test('backups of other tenants, however many one has asked for or has waiting behind its own limit', async () => {
    const busy = await aTenant(db, 3)
    for (let each = 0; each < 3; each++) await onRequest(busy, 'begun')
    for (let each = 0; each < 3; each++) await onRequest(busy, 'queued')
    const own = [await due({}, busy), await due({}, busy), await due({}, busy)]
    await sql`update archive set next_backup_at = now() - interval '1 hour'
               where tenant_id = ${busy} and next_backup_at is not null`.execute(db)
    const others = [await due(), await due(), await due()]
    const opened = async (addons: Owned[]) => {
      const open = (await openBackups()).map((each) => each.server_id)
      return addons.filter(({ serverId }) => open.includes(serverId)).length
    }
    // One place is left; it goes to what has been due longest, and begins only when its tenant's limit lets it.
    await sweepOnce(2)
    expect([await opened(own), await opened(others)]).toEqual([1, 0])
    await sweepOnce(2)
    expect([await opened(own), await opened(others)]).toEqual([1, 1])
    await sweepOnce(2)
    expect([await opened(own), await opened(others)]).toEqual([1, 1])
  })

  test('nothing on a server that somebody works on, until they have ended', async () => {
    const addon = await due()
    await openOperation(db, { ...addon, kind: 'server.protect', memo: {} })
    await sweepOnce()
    expect(await openBackups()).toEqual([])
    await sql`update operation set finished_at = now(), status = 'succeeded'`.execute(db)
    await sweepOnce()
    expect(await openBackups()).toHaveLength(1)
  })

  test('one, however many sweepers there are', async () => {
    await due()
    await Promise.all([sweepOnce(), sweepOnce(), sweepOnce()])
    expect(await openBackups()).toHaveLength(1)
  })

  test('nothing for an add-on that is no more, and does not look at it again', async () => {
    const addon = await due()
    await sql`update addon set status = 'failed' where id = ${addon.addonId}`.execute(db)
    await sweepOnce()
    expect(await openBackups()).toEqual([])
    expect(await scheduleOf(addon)).toMatchObject({ secondsLeft: null })
  })

  test('nothing outside of the window: what comes too late waits for the next one', async () => {
    const { rows } = await sql<{ from: string; to: string }>`
      select to_char(now() + interval '6 hours', 'HH24:MI') as from, to_char(now() + interval '8 hours', 'HH24:MI') as to`.execute(
      db,
    )
    const window = rows[0] ?? { from: '', to: '' }
    const addon = await due({ window })
    await sweepOnce()
    expect(await openBackups()).toEqual([])
    expect((await scheduleOf(addon)).secondsLeft).toBeGreaterThan(5 * 3600)
  })
})

test('what is due is found by its index, however many add-ons there are', async () => {
  await sql`
    with new as (
      select 'addon_' || n as addon_id, 'srv_' || n as server_id, n from generate_series(1, 5000) n
    ), addons as (
      insert into addon (id, tenant_id, name, status, protection, postgres_version, database_name, username,
                         password_sealed, server_id)
      select addon_id, ${tenantId}, addon_id, 'available', 'protected', 15, 'app', 'owner', 'sealed', server_id from new
    ), servers as (
      insert into server (id, tenant_id, addon_id) select server_id, ${tenantId}, addon_id from new
    )
    insert into archive (server_id, tenant_id, cipher_pass_sealed, archiving_since, schedule_stale, next_backup_type,
                         next_backup_at)
    select server_id, ${tenantId}, 'sealed', now(), false, 'full',
           case when n <= 5 then now() - interval '1 minute' else now() + interval '1 day' end from new`.execute(
    db,
  )
  await db.connection().execute(async (session) => {
    await sql`set role undrop_migrator`.execute(session)
    await sql`analyze`.execute(session)
    await sql`set role undrop_worker`.execute(session)
  })
  const { rows } = await sql<{ 'QUERY PLAN': string }>`explain ${dueBackups(500)}`.execute(db)
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
  expect(plan).toContain('archive_backup_due')
  expect(plan).not.toMatch(/Seq Scan on (archive|addon|server)\b/)
})
