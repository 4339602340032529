import { afterAll, beforeAll, expect, test } from 'vitest'
import { type S3Server, s3Variables, startS3Server } from '../../src/bin/demo/s3-server.ts'
import { createBackup, createRestore, getAddon, getBackup, getRestore } from './client/sdk.gen.ts'
import { metadata } from './support/admin.ts'
import { freeze, processesOf } from './support/inventory.ts'
import { LEDGER } from './support/ledger-load.ts'
import { serverBehind } from './support/server-files.ts'
import {
  aProtectedAddon,
  aTenant,
  ok,
  query,
  restoredChild,
  until,
  untilFinished,
} from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

const OUTAGE_SECONDS = 20

let store: S3Server
let undrop: Undrop
let tenantId: string
beforeAll(async () => {
  store = await startS3Server()
  undrop = await startUndrop(await s3Variables(store, 'undrop'))
  tenantId = await aTenant(undrop)
})
afterAll(async () => {
  await undrop.remove()
  await store.stop()
})

/** An add-on with enough data that a backup and a restore of it take a while. */
async function aLargeAddon(name: string) {
  const addon = await aProtectedAddon(undrop, tenantId, name)
  await query(addon.login.url, LEDGER)
  await query(
    addon.login.url,
    `create table filler as select id, md5(id::text) || md5((id * 7)::text) as body from generate_series(1, 400000) id`,
  )
  return { ...addon, server: await serverBehind(undrop, tenantId, addon.login.url) }
}

async function serverIdOfAddon(addonId: string): Promise<string> {
  const [addon] = await metadata<{ id: string }>(
    undrop,
    `select server_id as id from undrop.addon where id = '${addonId}'`,
  )
  return addon?.id ?? ''
}

const write = (url: string) => query(url, 'insert into ledger default values')

async function ledgerOf(url: string): Promise<number> {
  const [row] = await query<{ count: number }>(url, 'select count(*)::int as count from ledger')
  return row?.count ?? -1
}

/** Lets the process go on that `freeze` has stopped. */
async function thaw(serverId: string, commandLine: RegExp): Promise<void> {
  for (const { pid, text, commandLine: line } of await processesOf(undrop))
    if (text.includes(serverId) && commandLine.test(line)) process.kill(pid, 'SIGCONT')
}

test('20 s without the object store lose nothing: a backup, archiving and a restore all get to their right end', async () => {
  const { client } = undrop
  const source = await aLargeAddon('source')
  const other = await aLargeAddon('other')
  await ok(createBackup({ client, path: { addonId: source.id }, body: { type: 'full' } })).then(({ id }) =>
    until(
      async () => (await ok(getBackup({ client, path: { backupId: id } }))).status === 'succeeded',
      'a backup',
    ),
  )
  for (let n = 0; n < 20; n++) await write(source.login.url)

  // Each is caught in the middle: its pgBackRest is stopped, and goes on without a store.
  const [backup, restore] = await Promise.all([
    ok(createBackup({ client, path: { addonId: other.id }, body: { type: 'full' } })),
    ok(createRestore({ client, path: { addonId: source.id }, body: { target: { latest: true } } })),
  ])
  const backingUp = /pgbackrest.* backup/
  const restoring = /pgbackrest.* restore/
  const child = await ok(getRestore({ client, path: { restoreId: restore.id } }))
  const childServer = await serverIdOfAddon(child.childAddonId)
  await Promise.all([
    freeze(undrop, other.server.serverId, backingUp),
    freeze(undrop, childServer, restoring),
  ])
  await store.kill()
  const killedAt = performance.now()
  await thaw(other.server.serverId, backingUp)
  await thaw(childServer, restoring)

  // Servers go on serving; what they write waits.
  const during = (await ledgerOf(other.login.url)) + 30
  for (let n = 0; n < 30; n++) await write(other.login.url)
  await until(
    async () =>
      (await ok(getAddon({ client, path: { addonId: other.id } }))).stalled?.code === 'archive-unreachable' &&
      performance.now() - killedAt > OUTAGE_SECONDS * 1000,
    'the outage to be told, and to last',
  )
  expect((await ok(getBackup({ client, path: { backupId: backup.id } }))).status).toBe('running')
  expect((await ok(getRestore({ client, path: { restoreId: restore.id } }))).status).toBe('running')
  await store.restart()

  const restored = await untilFinished(undrop, restore.id)
  expect(restored).toMatchObject({ status: 'succeeded', reached: { exact: true } })
  await until(
    async () => (await ok(getBackup({ client, path: { backupId: backup.id } }))).finishedAt !== null,
    'the backup',
  )
  expect(await ok(getBackup({ client, path: { backupId: backup.id } }))).toMatchObject({
    status: 'succeeded',
  })
  await until(
    async () => (await ok(getAddon({ client, path: { addonId: other.id } }))).protection === 'protected',
    'protection to recover by itself',
  )
  const later = await restoredChild(undrop, other.id, { latest: true })
  expect(await ledgerOf(later.login.url)).toBe(during)
})
