import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import * as api from './client/sdk.gen.ts'
import { asAdmin, metadata, serverIdOf } from './support/admin.ts'
import { freeze, type Inventory, inventory } from './support/inventory.ts'
import { aProtectedAddon, aTenant, ok, restoreTo, until, untilFinished } from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

let undrop: Undrop
let tenantId: string
let parent: Awaited<ReturnType<typeof aProtectedAddon>>
let before: Inventory

beforeAll(async () => {
  undrop = await startUndrop()
  tenantId = await aTenant(undrop)
  parent = await aProtectedAddon(undrop, tenantId)
  // Some WAL, so that replaying takes a moment.
  await asAdmin(
    undrop,
    parent.login,
    `select pg_logical_emit_message(false, 'bulk', repeat('x', 16000000)) from generate_series(1, 12)`,
  )
  before = await inventory(undrop)
})
afterEach(async () => {
  await holdArchiving(false)
})
afterAll(() => undrop.remove())

/** While archiving is held, a restore waits for its anchor. */
async function holdArchiving(held: boolean): Promise<void> {
  const change = held ? `set archive_command = 'false'` : 'reset archive_command'
  await asAdmin(undrop, parent.login, `alter system ${change}`)
  await asAdmin(undrop, parent.login, 'select pg_reload_conf()')
}

async function beginRestore() {
  const { client } = undrop
  const restore = await ok(
    api.createRestore({ client, path: { addonId: parent.id }, body: { target: { latest: true } } }),
  )
  const rows = await metadata<{ id: string }>(
    undrop,
    `select child_server_id as id from undrop.restore where id = '${restore.id}'`,
  )
  return { ...restore, childServerId: rows[0]?.id ?? '' }
}

const untilPhase = (restoreId: string, phase: string) =>
  until(async () => {
    const restore = await ok(api.getRestore({ client: undrop.client, path: { restoreId } }))
    if (restore.finishedAt !== null) throw new Error(`the restore ${restore.status} before it was ${phase}`)
    return restore.phase === phase
  }, `restore ${restoreId} to be ${phase}`)

async function cancel(restoreId: string) {
  await ok(api.cancelRestore({ client: undrop.client, path: { restoreId } }))
  return untilFinished(undrop, restoreId)
}

/** From the metadata, as the API no longer knows an add-on once it is deleted. */
async function statusOf(addonId: string): Promise<string | undefined> {
  const select = `select status from undrop.addon where id = '${addonId}'`
  return (await metadata<{ status: string }>(undrop, select))[0]?.status
}

const untilDeleted = (addonId: string) =>
  until(async () => (await statusOf(addonId)) === 'deleted', `${addonId} to be deleted`)

async function expectNothingOf(restore: { childAddonId: string }) {
  expect(await statusOf(restore.childAddonId)).toBe('deleted')
  expect(await inventory(undrop)).toEqual(before)
}

test('a restore that is cancelled while it is queued or waits for its anchor leaves nothing behind', async () => {
  await ok(
    api.updateTenant({ client: undrop.client, path: { tenantId }, body: { maxConcurrentOperations: 1 } }),
  )
  await holdArchiving(true)
  const anchoring = await beginRestore()
  await untilPhase(anchoring.id, 'anchoring')
  const queued = await beginRestore()

  expect(await cancel(queued.id)).toMatchObject({
    status: 'cancelled',
    phase: null,
    failure: { code: 'cancelled' },
  })
  expect(await cancel(anchoring.id)).toMatchObject({ status: 'cancelled', phase: 'anchoring' })
  await ok(
    api.updateTenant({ client: undrop.client, path: { tenantId }, body: { maxConcurrentOperations: 4 } }),
  )
  await expectNothingOf(queued)
  await expectNothingOf(anchoring)
})

test('a restore that is cancelled while its base backup is fetched leaves nothing behind, not even processes that do not react', async () => {
  const restore = await beginRestore()
  await freeze(undrop, restore.childServerId, /^pgbackrest .* restore /)
  await untilPhase(restore.id, 'fetching')
  expect(await cancel(restore.id)).toMatchObject({ status: 'cancelled', phase: 'fetching' })
  await expectNothingOf(restore)
})

test('a restore that is cancelled while it replays leaves nothing behind, asynchronous fetching included', async () => {
  const restore = await beginRestore()
  await freeze(undrop, restore.childServerId, /archive-get:async/)
  await untilPhase(restore.id, 'replaying')
  expect(await cancel(restore.id)).toMatchObject({ status: 'cancelled', phase: 'replaying' })
  await expectNothingOf(restore)
})

test('a restore that fails for want of a library says so and leaves nothing behind', async () => {
  const serverId = await serverIdOf(undrop, parent.login)
  const setSettings = (settings: object) =>
    metadata(
      undrop,
      `update undrop.server set settings = '${JSON.stringify(settings)}' where id = '${serverId}'`,
    )
  await setSettings({ shared_preload_libraries: 'missing_library' })
  try {
    const restore = await restoreTo(undrop, parent.id, { latest: true })
    expect(restore).toMatchObject({ status: 'failed', failure: { code: 'extension-unavailable' } })
    await expectNothingOf(restore)
  } finally {
    await setSettings({})
  }
})

test('deleting a child while its restore runs cancels the restore and leaves nothing behind', async () => {
  await holdArchiving(true)
  const restore = await beginRestore()
  await untilPhase(restore.id, 'anchoring')
  await ok(api.deleteAddon({ client: undrop.client, path: { addonId: restore.childAddonId } }))
  expect(await untilFinished(undrop, restore.id)).toMatchObject({ status: 'cancelled' })
  await expectNothingOf(restore)
})

test('an add-on that is deleted leaves nothing behind', async () => {
  const { id } = await aProtectedAddon(undrop, tenantId, 'ready')
  await ok(api.deleteAddon({ client: undrop.client, path: { addonId: id } }))
  await untilDeleted(id)
  expect(await inventory(undrop)).toEqual(before)
})

test('an add-on that is deleted while it is provisioned leaves nothing behind', async () => {
  const { client } = undrop
  const { id } = await ok(api.createAddon({ client, body: { tenantId, name: 'early' } }))
  await until(
    async () => (await inventory(undrop)).directories.length > before.directories.length,
    'its directory',
  )
  expect(await statusOf(id)).toBe('provisioning')
  await ok(api.deleteAddon({ client, path: { addonId: id } }))
  await untilDeleted(id)
  expect(await inventory(undrop)).toEqual(before)
})

test('an add-on that is deleted while its first backup runs leaves nothing behind', async () => {
  const { client } = undrop
  const { id } = await ok(api.createAddon({ client, body: { tenantId, name: 'hasty' } }))
  const statusOfBackup = async () => {
    const select = `select status from undrop.backup where addon_id = '${id}'`
    return (await metadata<{ status: string }>(undrop, select))[0]?.status
  }
  await until(async () => (await statusOfBackup()) === 'running', 'the first backup to run')
  await ok(api.deleteAddon({ client, path: { addonId: id } }))
  await untilDeleted(id)
  expect(await statusOfBackup()).toBe('cancelled')
  expect(await inventory(undrop)).toEqual(before)
})
