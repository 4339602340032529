import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import * as api from './client/sdk.gen.ts'
import { asAdmin, metadata } from './support/admin.ts'
import { type Inventory, inventory } from './support/inventory.ts'
import { archiveSegment, type ServerFiles, serverBehind } from './support/server-files.ts'
import { damageFile, storedFiles } from './support/stored-files.ts'
import { aProtectedAddon, aTenant, ok, query, restoredChild, until } from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

let undrop: Undrop
let tenantId: string
beforeAll(async () => {
  undrop = await startUndrop()
  tenantId = await aTenant(undrop)
})
afterAll(() => undrop.remove())

async function aFilledAddon(name: string) {
  const addon = await aProtectedAddon(undrop, tenantId, name)
  const { url } = addon.login
  await query(
    url,
    `create table items as select n, repeat('item', 1000) as text from generate_series(1, 500) as n`,
  )
  await query(url, 'create index on items (n)')
  await query(url, 'create sequence numbers')
  return { ...addon, source: await serverBehind(undrop, tenantId, url) }
}

const untilDrilled = async (drillId: string) => {
  const read = () => ok(api.getDrill({ client: undrop.client, path: { drillId } }))
  await until(async () => (await read()).finishedAt !== null, `drill ${drillId} to end`)
  return read()
}

async function drill(addonId: string) {
  const { id } = await ok(api.createDrill({ client: undrop.client, path: { addonId }, body: {} }))
  return untilDrilled(id)
}

const check = (name: string, passed: boolean, detail: unknown = expect.any(String)) => ({
  ...{ name, passed, detail },
  seconds: expect.any(Number),
})

async function backUp(addonId: string) {
  const { client } = undrop
  const { id } = await ok(api.createBackup({ client, path: { addonId }, body: { type: 'full' } }))
  const read = () => ok(api.getBackup({ client, path: { backupId: id } }))
  await until(async () => (await read()).finishedAt !== null, `backup ${id} to end`)
  return read()
}

const labelOf = async (backupId: string) => {
  const select = `select label from undrop.backup where id = '${backupId}'`
  return (await metadata<{ label: string }>(undrop, select))[0]?.label ?? ''
}

/** Overwrites the middle of a bundle of files. */
async function damageBundle(server: ServerFiles, label: string): Promise<void> {
  const [path = ''] = await storedFiles(server, `backup/${server.serverId}/${label}/bundle/`)
  await damageFile(server, path)
}

describe('a drill', () => {
  let addon: Awaited<ReturnType<typeof aFilledAddon>>
  let before: Inventory
  beforeAll(async () => {
    addon = await aFilledAddon('shop')
  })
  beforeEach(async () => {
    before = await inventory(undrop)
  })

  const setProbe = (drillProbe: string | null) =>
    ok(
      api.updateAddon({
        client: undrop.client,
        path: { addonId: addon.id },
        body: { backupPolicy: { drillProbe } },
      }),
    )

  /** While archiving is held, what is committed is nowhere but on the source. */
  async function holdArchiving(held: boolean): Promise<void> {
    const change = held ? `set archive_command = 'false'` : 'reset archive_command'
    await asAdmin(undrop, addon.login, `alter system ${change}`)
    await asAdmin(undrop, addon.login, 'select pg_reload_conf()')
  }

  test('measures and checks a restore from the archive alone, leaves nothing behind and the source untouched', async () => {
    await archiveSegment(addon.source)
    await setProbe('select count(*) = 500 from items')
    const state = () =>
      asAdmin<object>(
        undrop,
        addon.login,
        'select pg_walfile_name(pg_current_wal_lsn()) as segment, xid::text from pg_last_committed_xact()',
      )
    const untouched = await state()

    const drilled = await drill(addon.id)
    expect(drilled).toMatchObject({
      status: 'succeeded',
      scheduled: false,
      failure: null,
      rpoSeconds: 0,
      backupId: expect.stringMatching(/^bak_/),
      reached: { exact: false, reason: 'end_of_wal', timeline: 2 },
    })
    expect(drilled.checks).toEqual([
      check('archive', true),
      check('amcheck', true),
      check('rows', true, 'Tables: 1, rows: 500.'),
      check('probe', true),
    ])
    expect(drilled.rtoSeconds).toBeGreaterThan(0)
    expect(await state()).toEqual(untouched)
    expect(await query(addon.login.url, 'select from items')).toHaveLength(500)
    expect(await inventory(undrop)).toEqual(before)
    const { data } = await ok(api.listDrills({ client: undrop.client, path: { addonId: addon.id } }))
    expect(data).toEqual([drilled])
    const listed = await ok(api.listAddons({ client: undrop.client }))
    expect(listed.data.map(({ name }) => name)).toEqual(['shop'])
  })

  test('tells what would have been lost with the source', async () => {
    await holdArchiving(true)
    try {
      await query(addon.login.url, `insert into items values (501, 'not archived')`)
      const drilled = await drill(addon.id)
      expect(drilled).toMatchObject({ status: 'succeeded', failure: null })
      expect(drilled.rpoSeconds).toBeGreaterThan(0)
      expect(drilled.checks).toContainEqual(check('rows', true, 'Tables: 1, rows: 500.'))
    } finally {
      await holdArchiving(false)
    }
  })

  test.each([
    ['select false', 'The first row begins with false.'],
    ['select * from secret_name', 'The query failed with SQLSTATE 42P01.'],
    ['select 1; drop table items', 'The query failed with SQLSTATE 42601.'],
    [`select nextval('numbers')`, 'The query failed with SQLSTATE 25006.'],
  ])('whose probe is %s fails, says why, and keeps nothing of the data', async (probe, detail) => {
    await setProbe(probe)
    const drilled = await drill(addon.id)
    expect(drilled).toMatchObject({ status: 'failed', failure: { code: 'drill-failed' } })
    expect(drilled.checks.at(-1)).toEqual(check('probe', false, detail))
    expect(await inventory(undrop)).toEqual(before)
  })

  test('runs by itself when the policy says so', async () => {
    await setProbe(null)
    const { client } = undrop
    const body = { backupPolicy: { drillEvery: 'PT10M', drillProbe: null } }
    await ok(api.updateAddon({ client, path: { addonId: addon.id }, body }))
    // As if the add-on had been there for a day.
    await metadata(
      undrop,
      `update undrop.archive set archiving_since = now() - interval '1 day', drill_stale = true where server_id = '${addon.source.serverId}'`,
    )
    const scheduled = async () => {
      const { data } = await ok(api.listDrills({ client, path: { addonId: addon.id } }))
      return data.find((one) => one.scheduled)
    }
    await until(async () => (await scheduled()) !== undefined, 'a scheduled drill')
    const drilled = await untilDrilled((await scheduled())?.id ?? '')
    expect(drilled).toMatchObject({ status: 'succeeded', scheduled: true })
    expect(await inventory(undrop)).toEqual(before)
  })
})

test('a damaged backup is found and named, an older one is used by the drill and by restores', async () => {
  const { id, login, source } = await aFilledAddon('unlucky')
  const newest = await backUp(id)
  const label = await labelOf(newest.id)
  await damageBundle(source, label)

  const drilled = await drill(id)
  expect(drilled).toMatchObject({ status: 'failed', failure: { code: 'backup-damaged' } })
  expect(drilled.checks).toEqual([
    check('archive', false, `Damaged or missing: backup ${label}, files: 1.`),
    check('amcheck', true),
    check('rows', true),
  ])
  expect(drilled.backupId).not.toBe(newest.id)
  expect(drilled.rtoSeconds).toBeGreaterThan(0)
  const found = await ok(api.getBackup({ client: undrop.client, path: { backupId: newest.id } }))
  expect(found.damagedAt).not.toBeNull()

  const child = await restoredChild(undrop, id, { latest: true })
  expect(await query(child.login.url, 'select from items')).toHaveLength(500)
  expect(await query(login.url, 'select from items')).toHaveLength(500)
})

test('a drill without a sound backup fails and says so', async () => {
  const { id, source } = await aFilledAddon('doomed')
  const { data } = await ok(api.listBackups({ client: undrop.client, path: { addonId: id } }))
  await damageBundle(source, await labelOf(data[0]?.id ?? ''))
  expect(await drill(id)).toMatchObject({
    status: 'failed',
    rtoSeconds: null,
    failure: { code: 'backup-damaged' },
    checks: [{ name: 'archive', passed: false }],
  })
})

test('an add-on that is deleted while it is drilled goes, and so does the drill', async () => {
  const before = await inventory(undrop)
  const { id } = await aFilledAddon('short-lived')
  const drilled = await ok(api.createDrill({ client: undrop.client, path: { addonId: id }, body: {} }))
  await ok(api.deleteAddon({ client: undrop.client, path: { addonId: id } }))
  expect(await untilDrilled(drilled.id)).toMatchObject({
    status: 'cancelled',
    failure: { code: 'cancelled' },
  })
  const status = async () => (await ok(api.getAddon({ client: undrop.client, path: { addonId: id } }))).status
  await until(async () => (await status()) === 'deleted', 'the add-on to be deleted')
  expect({ ...(await inventory(undrop)), archives: before.archives }).toEqual(before)
})
