import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBackup, createRestore, getBackup, listBackups } from './client/sdk.gen.ts'
import { metadata } from './support/admin.ts'
import { type ServerFiles, serverBehind } from './support/server-files.ts'
import { damageFile } from './support/stored-files.ts'
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

let undrop: Undrop
let addonId: string
let server: ServerFiles
beforeAll(async () => {
  undrop = await startUndrop()
  const tenantId = await aTenant(undrop)
  const { id, login } = await aProtectedAddon(undrop, tenantId)
  addonId = id
  server = await serverBehind(undrop, tenantId, login.url)
  await query(login.url, 'create table items as select generate_series(1, 1000) as item')
})
afterAll(() => undrop.remove())

test('where the newest backup is damaged, a restore is made from the one before it and says so', async () => {
  const { client } = undrop
  const [older] = (await ok(listBackups({ client, path: { addonId } }))).data
  const newer = await anotherBackup()
  await damage(newer)

  const { restore, login } = await restoredChild(undrop, addonId, { latest: true })
  expect(restore).toMatchObject({ status: 'succeeded', backupId: older?.id, reached: { exact: true } })
  expect(await query(login.url, 'select count(*)::int from items')).toEqual([{ count: 1000 }])
  const read = async (backupId = '') => ok(getBackup({ client, path: { backupId } }))
  expect((await read(newer)).damagedAt).not.toBeNull()
  expect((await read(older?.id)).damagedAt).toBeNull()
})

test('where no backup is whole, a restore fails and leaves nothing', async () => {
  const { client } = undrop
  const { data } = await ok(listBackups({ client, path: { addonId } }))
  await damage(data[0]?.id ?? '')
  const { id } = await ok(createRestore({ client, path: { addonId }, body: { target: { latest: true } } }))
  expect(await untilFinished(undrop, id)).toMatchObject({
    status: 'failed',
    failure: { code: 'backup-damaged' },
  })
})

async function anotherBackup(): Promise<string> {
  const { client } = undrop
  const { id } = await ok(createBackup({ client, path: { addonId }, body: { type: 'full' } }))
  await until(async () => {
    const { finishedAt } = await ok(getBackup({ client, path: { backupId: id } }))
    return finishedAt !== null
  }, 'the backup')
  return id
}

/** Overwrites the middle of the backup's greatest file. */
async function damage(backupId: string): Promise<void> {
  const [row] = await metadata<{ label: string }>(
    undrop,
    `select label from undrop.backup where id = '${backupId}'`,
  )
  const files = []
  const below = `backup/${server.serverId}/${row?.label}/bundle/`
  for await (const file of undrop.archives.files(server, { below })) files.push(file)
  const greatest = files.reduce((one, other) => (other.sizeBytes > one.sizeBytes ? other : one))
  await damageFile(server, greatest.path)
}
