import { afterAll, beforeAll, expect, test } from 'vitest'
import { sealContext } from '../../src/secrets/key-ring.ts'
import * as api from './client/sdk.gen.ts'
import { metadata, serverIdOf } from './support/admin.ts'
import { keyRingOf } from './support/secrets.ts'
import { aProtectedAddon, aTenant, ok, query, restoredChild, restoreTo, until } from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

let undrop: Undrop
let addon: Awaited<ReturnType<typeof aProtectedAddon>>
let serverId: string
let sealed: string
beforeAll(async () => {
  undrop = await startUndrop()
  addon = await aProtectedAddon(undrop, await aTenant(undrop))
  serverId = await serverIdOf(undrop, addon.login)
  await query(addon.login.url, 'create table kept as select 1 as n')
  const ring = await keyRingOf(undrop.env)
  sealed = await setPassphrase(
    ring.seal('the passphrase of another archive', sealContext.archiveCipher(serverId)),
  )
})
afterAll(() => undrop.remove())

/** Returns the one before. */
async function setPassphrase(value: string): Promise<string> {
  const where = `where server_id = '${serverId}'`
  const [row] = await metadata<{ sealed: string }>(
    undrop,
    `select cipher_pass_sealed as sealed from undrop.archive ${where};
     update undrop.archive set cipher_pass_sealed = '${value}' ${where}`,
  )
  return row?.sealed ?? ''
}

const FAILURE = { code: 'archive-unreadable', title: 'The archive cannot be decrypted' }

async function aBackup() {
  const { client } = undrop
  const { id } = await ok(api.createBackup({ client, path: { addonId: addon.id }, body: { type: 'full' } }))
  const read = () => ok(api.getBackup({ client, path: { backupId: id } }))
  await until(async () => (await read()).finishedAt !== null, 'the backup to end')
  return read()
}

test('a restore from an archive that does not open fails saying so, and leaves nothing', async () => {
  const restore = await restoreTo(undrop, addon.id, { latest: true })
  expect(restore).toMatchObject({ status: 'failed', failure: FAILURE })
  expect(Object.keys(restore.failure ?? {}).sort()).toEqual(['code', 'title'])
})

test('a backup into an archive that does not open fails saying so, and the add-on serves on', async () => {
  const backup = await aBackup()
  expect(backup).toMatchObject({ status: 'failed', failure: FAILURE })
  expect(await query(addon.login.url, 'select n from kept')).toEqual([{ n: 1 }])
})

test('with the right passphrase again, all is as it was', async () => {
  await setPassphrase(sealed)
  expect(await aBackup()).toMatchObject({ status: 'succeeded' })
  const { login } = await restoredChild(undrop, addon.id, { latest: true })
  expect(await query(login.url, 'select n from kept')).toEqual([{ n: 1 }])
})
