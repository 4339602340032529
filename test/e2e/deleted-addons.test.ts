import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as api from './client/sdk.gen.ts'
import { metadata, serverIdOf } from './support/admin.ts'
import { inventory } from './support/inventory.ts'
import { crash, serverBehind } from './support/server-files.ts'
import { aProtectedAddon, aTenant, ok, query, restoredChild, until } from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

let undrop: Undrop
let tenantId: string

beforeAll(async () => {
  undrop = await startUndrop({ UNDROP_BACKUP_POLICY: '{"deletedRetentionDays":1}' })
  tenantId = await aTenant(undrop)
})
afterAll(() => undrop.remove())

const addonNow = (addonId: string) => ok(api.getAddon({ client: undrop.client, path: { addonId } }))

async function deleteAndWait(addonId: string): Promise<void> {
  await ok(api.deleteAddon({ client: undrop.client, path: { addonId } }))
  await until(async () => (await addonNow(addonId)).status === 'deleted', 'the add-on to be deleted')
}

async function storedFiles(serverId: string): Promise<string[]> {
  const path = join(undrop.directory, 'archives', tenantId, serverId)
  return readdir(path, { recursive: true }).catch(() => [])
}

async function numbersIn(url: string): Promise<number[]> {
  const rows = await query<{ n: number }>(url, 'select n from ledger order by n')
  return rows.map(({ n }) => n)
}

test('what was committed right before the deletion is in a restore of the deleted add-on, until it is purged', async () => {
  const { client } = undrop
  const addon = await aProtectedAddon(undrop, tenantId, 'ledger')
  const serverId = await serverIdOf(undrop, addon.login)
  await query(addon.login.url, 'create table ledger as select generate_series(1, 100) as n')
  await query(addon.login.url, 'insert into ledger values (101)')
  await deleteAndWait(addon.id)

  const left = await inventory(undrop)
  for (const place of ['directories', 'sockets', 'processes', 'ports'] as const)
    expect(left[place], place).not.toContain(serverId)
  const { archiveKeptUntil } = await addonNow(addon.id)
  expect(Date.parse(archiveKeptUntil ?? '') - Date.now()).toBeGreaterThan(86_000_000)
  expect((await ok(api.listBackups({ client, path: { addonId: addon.id } }))).data).toHaveLength(1)

  const child = await restoredChild(undrop, addon.id, { latest: true })
  expect(await numbersIn(child.login.url)).toEqual(Array.from({ length: 101 }, (_, index) => index + 1))

  await metadata(undrop, `update undrop.archive set keep_until = now() where server_id = '${serverId}'`)
  await until(async () => (await addonNow(addon.id)).archiveKeptUntil === null, 'the archive to be purged')
  expect(await storedFiles(serverId)).toEqual([])
  const { response, error } = await api.createRestore({
    client,
    path: { addonId: addon.id },
    body: { target: { latest: true } },
  })
  expect([response?.status, error?.type]).toEqual([409, expect.stringMatching(/archive-purged$/)])
  expect(await numbersIn(child.login.url)).toHaveLength(101)
})

test('what a crashed server had committed and not archived is in a restore of the deleted add-on', async () => {
  const addon = await aProtectedAddon(undrop, tenantId, 'crashed')
  await query(addon.login.url, 'create table ledger as select 1 as n')
  const server = await serverBehind(undrop, tenantId, addon.login.url)
  await crash(server)
  await deleteAndWait(addon.id)
  const child = await restoredChild(undrop, addon.id, { latest: true })
  expect(await numbersIn(child.login.url)).toEqual([1])
})

test('a moment before the deletion is restored exactly', async () => {
  const addon = await aProtectedAddon(undrop, tenantId, 'moments')
  await query(addon.login.url, 'create table ledger as select 1 as n')
  const [row] = await query<{ now: string }>(
    addon.login.url,
    `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now`,
  )
  await query(addon.login.url, 'insert into ledger values (2)')
  await deleteAndWait(addon.id)
  const child = await restoredChild(undrop, addon.id, { time: row?.now ?? '' })
  expect(await numbersIn(child.login.url)).toEqual([1])
  expect(child.restore.reached).toMatchObject({ exact: true })
})

test('a tenant is not deleted while archives of its add-ons are kept', async () => {
  const { client } = undrop
  const other = await aTenant(undrop)
  const addon = await aProtectedAddon(undrop, other, 'kept')
  await deleteAndWait(addon.id)
  const { archiveKeptUntil } = await addonNow(addon.id)
  const refused = await api.deleteTenant({ client, path: { tenantId: other } })
  expect(refused.error).toMatchObject({
    type: expect.stringMatching(/tenant-not-empty$/),
    detail: expect.stringContaining(archiveKeptUntil ?? 'a moment'),
    archivesKeptUntil: archiveKeptUntil,
  })
})
