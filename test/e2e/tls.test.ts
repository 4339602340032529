import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as api from './client/sdk.gen.ts'
import { type ServerFiles, serverBehind } from './support/server-files.ts'
import { aProtectedAddon, aTenant, ok, restoredChild, until } from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

const CA = join(import.meta.dirname, '../../src/bin/ca.ts')

let undrop: Undrop
let addonId: string
let server: ServerFiles
beforeAll(async () => {
  undrop = await startUndrop()
  const tenantId = await aTenant(undrop)
  const { id, login } = await aProtectedAddon(undrop, tenantId)
  addonId = id
  server = await serverBehind(undrop, tenantId, login.url)
})
afterAll(() => undrop.remove())

const revealedUrl = async (id: string) =>
  (await ok(api.revealCredentials({ client: undrop.client, path: { addonId: id } }))).url

/** Downloads what clients are to trust into a file. */
async function download(id: string, name: string): Promise<string> {
  const response = await fetch(`${undrop.url}/v1/addons/${id}/ca-certificate`, {
    headers: { authorization: `Bearer ${undrop.platformKey}` },
  })
  expect(response.status).toBe(200)
  const file = join(undrop.directory, name)
  await writeFile(file, await response.text())
  return file
}

/** The URL as it was revealed, and the file as it was downloaded. */
async function psql(url: string, caFile: string): Promise<string> {
  const argv = ['-XAtc', 'select ssl from pg_stat_ssl where pid = pg_backend_pid()', url]
  const env = { PGSSLROOTCERT: caFile, LC_ALL: 'C' }
  return (await promisify(execFile)(join(server.binDirectory, 'psql'), argv, { env })).stdout.trim()
}

test('psql checks everything with the revealed URL and the downloaded certificate, on an add-on and its child', async () => {
  const { restore } = await restoredChild(undrop, addonId, { latest: true })
  for (const id of [addonId, restore.childAddonId])
    expect(await psql(await revealedUrl(id), await download(id, 'download.pem'))).toBe('t')
  const plain = (await revealedUrl(addonId)).replace('verify-full', 'disable')
  await expect(psql(plain, '')).rejects.toThrow('no encryption')
})

test('the authority is replaced on a running Undrop, and clients that trust both are never turned away', async () => {
  const ca = async (verb: string) =>
    (await promisify(execFile)(process.execPath, [CA, verb], { env: undrop.env })).stdout
  const url = await revealedUrl(addonId)
  const old = await download(addonId, 'old.pem')
  await ca('add')
  const both = await download(addonId, 'both.pem')
  await ca('use')
  const isTrusted = (file: string) =>
    psql(url, file).then(
      () => true,
      () => false,
    )
  await until(async () => {
    expect(await isTrusted(both)).toBe(true)
    return !(await isTrusted(old))
  }, 'the certificate to be renewed')
  await until(
    async () =>
      ca('retire').then(
        () => true,
        () => false,
      ),
    'all servers to have new certificates',
  )
  expect(await isTrusted(await download(addonId, 'new.pem'))).toBe(true)
})
