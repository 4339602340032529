import { execFile, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as api from './client/sdk.gen.ts'
import { metadata } from './support/admin.ts'
import {
  aProtectedAddon,
  aTenant,
  clockOf,
  ok,
  query,
  restoredChild,
  reveal,
  until,
} from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

const BIN = join(import.meta.dirname, '../../src/bin')

let undrop: Undrop
let addon: Awaited<ReturnType<typeof aProtectedAddon>>
let keyFile: string
beforeAll(async () => {
  undrop = await startUndrop()
  keyFile = join(undrop.directory, 'master-key')
  addon = await aProtectedAddon(undrop, await aTenant(undrop))
  await query(addon.login.url, 'create table kept as select 1 as n')
})
afterAll(() => undrop.remove())

/** Replaces the lines of the key file as an editor would, with the mode that it has to have. */
async function writeKeys(...keys: string[]): Promise<void> {
  await writeFile(`${keyFile}.new`, `${keys.join('\n')}\n`, { mode: 0o600 })
  await rename(`${keyFile}.new`, keyFile)
}

const readKey = async () => (await readFile(keyFile, 'utf8')).trim()

async function restart(): Promise<void> {
  await undrop.stop()
  await undrop.start()
}

async function reseal(): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(BIN, 'reseal.ts')], {
    env: undrop.env,
  })
  return stdout
}

/** What a process says that refuses to start. */
async function refusal(file: string): Promise<string> {
  const child = fork(join(BIN, file), { env: undrop.env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  if (child.stdout === null || child.stderr === null) throw new Error('no pipes')
  const [[code], ...output] = await Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)])
  expect(code).toBe(1)
  return output.join('')
}

const keyIds = async () => {
  const rows = await metadata<{ id: string }>(
    undrop,
    `select distinct split_part(sealed, '.', 2) as id
       from (select password_sealed from undrop.addon union all select cipher_pass_sealed from undrop.archive) as all_of_them (sealed)`,
  )
  return rows.map(({ id }) => id)
}

/** Tables with a value anywhere that the key of that id has sealed. */
async function tablesSealedBy(id: string): Promise<string[]> {
  const tables = await metadata<{ name: string }>(
    undrop,
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('undrop', 'bullmq')`,
  )
  const found = await Promise.all(
    tables.map(async ({ name }) => {
      const rows = await metadata(undrop, `select from ${name} as t where t::text like '%v1.${id}.%' limit 1`)
      return rows.length > 0 ? [name] : []
    }),
  )
  return found.flat().sort()
}

/** One of each secret that a tenant can have without an object store. */
async function makeSecrets(): Promise<void> {
  const { client } = undrop
  const { tenantId } = await ok(api.getAddon({ client, path: { addonId: addon.id } }))
  const body = { name: 'reporting', access: 'read-only' } as const
  const headers = { 'idempotency-key': 'once' }
  const made = await ok(api.createCredential({ client, path: { addonId: addon.id }, headers, body }))
  const path = { addonId: addon.id, credentialId: made.id }
  await until(
    async () => (await ok(api.getCredential({ client, path }))).status === 'active',
    'the credential',
  )
  await ok(
    api.createWebhookEndpoint({ client, body: { tenantId, url: 'https://192.88.1.1/', enabled: false } }),
  )
}

/** Everything that is sealed, and by which key the metadata says. */
const sealedState = () =>
  metadata(
    undrop,
    `select key_id from undrop.master_key union all select password_sealed from undrop.addon
      union all select cipher_pass_sealed from undrop.archive order by 1`,
  )

const credentials = () => reveal(undrop, addon.id)

async function childHasAll(): Promise<void> {
  const { login } = await restoredChild(undrop, addon.id, { time: await clockOf(addon.login.url) })
  expect(await query(login.url, 'select n from kept')).toEqual([{ n: 1 }])
}

test('the master key is changed on a running Undrop, and every secret stays readable', async () => {
  const [oldKey, newKey] = [await readKey(), randomBytes(32).toString('base64')]
  const [oldId = ''] = await keyIds()
  await makeSecrets()
  expect(await tablesSealedBy(oldId)).toEqual([
    'undrop.addon',
    'undrop.archive',
    'undrop.certificate_authority',
    'undrop.credential',
    'undrop.idempotency_key',
    'undrop.webhook_secret',
  ])

  await writeKeys(oldKey, newKey)
  await restart()
  expect(await credentials()).toEqual(addon.login)

  await writeKeys(newKey, oldKey)
  await restart()
  // Made between the swap and the sealing again: by the new key at once.
  await childHasAll()
  expect(await keyIds()).toHaveLength(2)

  expect(await reseal()).toMatch(/^[1-9]\d* secrets were sealed again/)
  const now = await keyIds()
  expect(now).toHaveLength(1)
  expect(now).not.toContain(oldId)
  expect(await tablesSealedBy(oldId)).toEqual([])
  expect(await reseal()).toMatch(/^0 secrets/)
  expect(await credentials()).toEqual(addon.login)

  await writeKeys(newKey)
  await restart()
  expect(await credentials()).toEqual(addon.login)
  await childHasAll()
})

test.each(['start.ts', 'api.ts', 'worker.ts', 'reseal.ts'])(
  '%s refuses to start without the master key, and makes no new one',
  async (file) => {
    const key = await readKey()
    const before = await sealedState()
    if (file === 'start.ts') await undrop.stop()
    await rm(keyFile)
    expect(await refusal(file)).toMatch(/sealed under the master key .* and there is no .*master-key/)
    await expect(readFile(keyFile)).rejects.toThrow('ENOENT')
    await writeKeys(key)
    if (file === 'start.ts') await undrop.start()
    expect(await sealedState()).toEqual(before)
    expect(await credentials()).toEqual(addon.login)
  },
)

test.each(['start.ts', 'api.ts', 'worker.ts', 'reseal.ts'])(
  '%s refuses to start under another master key, and changes nothing',
  async (file) => {
    const key = await readKey()
    const before = await sealedState()
    if (file === 'start.ts') await undrop.stop()
    await writeKeys(randomBytes(32).toString('base64'))
    expect(await refusal(file)).toContain('sealed under another master key')
    await writeKeys(key)
    if (file === 'start.ts') await undrop.start()
    expect(await sealedState()).toEqual(before)
    expect(await credentials()).toEqual(addon.login)
  },
)
