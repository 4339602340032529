import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as api from './client/sdk.gen.ts'
import { asAdmin, metadata, serverIdOf } from './support/admin.ts'
import { type ServerFiles, serverBehind } from './support/server-files.ts'
import { archivedFiles } from './support/stored-files.ts'
import {
  aProtectedAddon,
  aTenant,
  ok,
  query,
  type Restore,
  reveal,
  until,
  untilFinished,
  urlAs,
} from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

/** What an attacker who could run ALTER SYSTEM on the parent would leave for the child. */
const HOSTILE = {
  restore_command: '/bin/false',
  listen_addresses: '*',
  port: '1',
  unix_socket_directories: '/tmp',
  shared_preload_libraries: 'missing_library',
  primary_conninfo: 'host=127.0.0.1 user=nobody',
  log_statement: 'all',
  fsync: 'off',
}

/** Where a child is reached and by whom: the parent's owner, and what an admin added. */
interface Login {
  username: string
  password: string
}

let undrop: Undrop
let tenantId: string
let elsewhere: string
let parent: Awaited<ReturnType<typeof aProtectedAddon>>
let parentLogins: Login[]
let child: { restore: Restore; login: Awaited<ReturnType<typeof aProtectedAddon>>['login'] }
let whileRestoring: Awaited<ReturnType<typeof watch>>

beforeAll(async () => {
  undrop = await startUndrop()
  tenantId = await aTenant(undrop)
  parent = await aProtectedAddon(undrop, tenantId)
  elsewhere = await mkdtemp(join(tmpdir(), 'undrop-hba-'))
  await addRoles()
  await spoilConfiguration()
  await takeBackup()
  await asAdmin(
    undrop,
    parent.login,
    `select pg_logical_emit_message(false, 'bulk', repeat('x', 16000000)) from generate_series(1, 8)`,
  )
  child = await restoreWatched()
})
afterAll(async () => {
  await undrop.remove()
  await rm(elsewhere, { recursive: true, force: true })
})

async function addRoles(): Promise<void> {
  const { username, password, database } = parent.login
  await asAdmin(
    undrop,
    parent.login,
    `create role app_scram login password 'app-scram-secret';
     set password_encryption = 'md5';
     create role app_md5 login password 'app-md5-secret';
     reset password_encryption;
     create role boss superuser login password 'boss-secret';
     create role open_door login`,
  )
  await asAdmin(
    undrop,
    parent.login,
    `grant connect on database ${database} to app_scram, app_md5, open_door`,
  )
  parentLogins = [
    { username, password },
    { username: 'app_scram', password: 'app-scram-secret' },
    { username: 'app_md5', password: 'app-md5-secret' },
    { username: 'boss', password: 'boss-secret' },
    { username: 'open_door', password: '' },
    { username: 'undrop_admin', password: '' },
  ]
}

/**
 * For what a backup brings along. Undrop may have the parent load it at any time, which therefore goes on to archive: into
 * its own archive, where its child must not follow.
 */
async function spoilConfiguration(): Promise<void> {
  const [{ archive_command } = { archive_command: '' }] = await asAdmin<{ archive_command: string }>(
    undrop,
    parent.login,
    'show archive_command',
  )
  const hba = join(elsewhere, 'pg_hba.conf')
  await writeFile(hba, 'local all all trust\nhost all all all trust\n', { mode: 0o644 })
  for (const [name, value] of Object.entries({
    ...HOSTILE,
    archive_command: `true && ${archive_command}`,
    hba_file: hba,
    ident_file: hba,
  }))
    await asAdmin(undrop, parent.login, `alter system set ${name} = '${value.replaceAll("'", "''")}'`)
}

async function takeBackup(): Promise<void> {
  const { client } = undrop
  const { id } = await ok(api.createBackup({ client, path: { addonId: parent.id }, body: { type: 'full' } }))
  const status = async () => (await ok(api.getBackup({ client, path: { backupId: id } }))).status
  await until(async () => (await status()) === 'succeeded', 'the backup with the spoilt configuration')
}

async function restoreWatched() {
  const { client } = undrop
  const { id, childAddonId } = await ok(
    api.createRestore({ client, path: { addonId: parent.id }, body: { target: { latest: true } } }),
  )
  whileRestoring = await watch(id, childAddonId).catch((error: Error) => {
    throw new Error(`${error.message}\n${undrop.log()}`)
  })
  const restore = await untilFinished(undrop, id)
  if (restore.status !== 'succeeded') throw new Error(`${JSON.stringify(restore.failure)}\n${undrop.log()}`)
  return { restore, login: await reveal(undrop, childAddonId) }
}

/** Tries to get in for as long as the restore runs, and looks at the child's pg_hba.conf meanwhile. */
async function watch(restoreId: string, childAddonId: string) {
  const { client } = undrop
  const hbaFiles = new Set<string>()
  const admitted: string[] = []
  let attempts = 0
  await until(async () => {
    const { finishedAt, phase } = await ok(api.getRestore({ client, path: { restoreId } }))
    if (finishedAt !== null) return true
    const [server] = await metadata<{ id: string; port: number | null }>(
      undrop,
      `select id, port from undrop.server where addon_id = '${childAddonId}'`,
    )
    const port = server?.port ?? null
    if (server === undefined || port === null || phase === 'securing') return false
    hbaFiles.add(
      await readFile(join(undrop.directory, 'servers', server.id, 'conf/pg_hba.conf'), 'utf8').catch(
        () => '',
      ),
    )
    for (const { username, password } of parentLogins) {
      attempts += 1
      if (await canConnect({ ...parent.login, port, username, password })) admitted.push(username)
    }
    return false
  }, 'the restore to end')
  hbaFiles.delete('')
  return { admitted, attempts, hbaFiles: [...hbaFiles] }
}

interface Way extends Login {
  url: string
  port: number
}

function canConnect({ url, ...as }: Way): Promise<boolean> {
  return query(urlAs(url, as), 'select 1').then(
    () => true,
    () => false,
  )
}

test('nobody but Undrop is admitted while the child is being restored', () => {
  expect(whileRestoring.attempts).toBeGreaterThan(parentLogins.length)
  expect(whileRestoring.admitted).toEqual([])
  const [locked, ...others] = whileRestoring.hbaFiles
  expect(locked).toBe('local all undrop_admin peer map=undrop\n')
  // Between its lock and the end of the restore it may have been seen open for the new owner.
  expect(others.every((text) => text.includes('hostssl all all all scram-sha-256'))).toBe(true)
})

test('no credential of the parent works on the child, nor the other way round', async () => {
  expect(await canConnect(parent.login)).toBe(true)
  expect(await canConnect({ ...parent.login, username: 'app_scram', password: 'app-scram-secret' })).toBe(
    true,
  )
  expect(await canConnect(child.login)).toBe(true)
  for (const { username, password } of parentLogins) {
    expect.soft(await canConnect({ ...child.login, username, password }), username).toBe(false)
    expect.soft(await canConnect({ ...child.login, password }), `${username}'s password`).toBe(false)
  }
  expect(
    await canConnect({ ...parent.login, username: child.login.username, password: child.login.password }),
  ).toBe(false)
  expect(await canConnect({ ...parent.login, password: child.login.password })).toBe(false)
})

test('no other role of the child can log in or has a password, and the restore lists what was done to each', async () => {
  const able = await asAdmin(
    undrop,
    child.login,
    'select rolname from pg_authid where rolcanlogin or rolpassword is not null order by 1',
  )
  expect(able.toSorted()).toEqual(
    [child.login.username, 'undrop_admin'].toSorted().map((rolname) => ({ rolname })),
  )
  expect(child.restore.securedRoles).toEqual([
    { name: parent.login.username, action: 'renamed' },
    ...['app_md5', 'app_scram', 'boss', 'open_door'].map((name) => ({ name, action: 'locked' })),
  ])
})

test("the parent's ALTER SYSTEM has no effect on the child", async () => {
  const names = [...Object.keys(HOSTILE), 'archive_command', 'hba_file', 'ident_file']
  const rows = await asAdmin<{ name: string; setting: string }>(
    undrop,
    child.login,
    'select name, setting from pg_settings',
  )
  const setting = Object.fromEntries(
    rows.flatMap(({ name, setting }) => (names.includes(name) ? [[name, setting]] : [])),
  )
  const serverId = await serverIdOf(undrop, child.login)
  const conf = join(undrop.directory, 'servers', serverId, 'conf')
  expect(setting).toMatchObject({
    restore_command: '',
    listen_addresses: '127.0.0.1',
    port: String(child.login.port),
    unix_socket_directories: join(undrop.directory, 'run', serverId),
    shared_preload_libraries: '',
    primary_conninfo: '',
    log_statement: 'none',
    fsync: 'on',
    hba_file: join(conf, 'pg_hba.conf'),
    ident_file: join(conf, 'pg_ident.conf'),
  })
  expect(setting['archive_command']).not.toMatch(/^true/)
  expect(
    await asAdmin(
      undrop,
      child.login,
      `select name from pg_file_settings where sourcefile like '%auto.conf'`,
    ),
  ).toEqual([])
})

test('the child archives into its own archive, and nothing of it goes into that of its parent', async () => {
  const parentServer = await serverBehind(undrop, tenantId, parent.login.url)
  const childServer = await serverBehind(undrop, tenantId, child.login.url)
  const archived = async (server: ServerFiles) =>
    (await archivedFiles(server)).filter((name) => /[0-9A-F]{24}-/.test(name))
  const ofTheChild = (names: string[]) => names.filter((name) => name.includes('/00000002'))
  await query(child.login.url, 'create table only_here as select generate_series(1, 1000) as n')
  await asAdmin(undrop, child.login, 'select pg_switch_wal()')
  await until(
    async () => ofTheChild(await archived(childServer)).length > 0,
    'a segment of the child in its archive',
  )
  expect(await archived(childServer)).toEqual(ofTheChild(await archived(childServer)))
  expect((await archived(parentServer)).length).toBeGreaterThan(0)
  expect(ofTheChild(await archived(parentServer))).toEqual([])
})

test("no file of the child names the parent's server or holds the passphrase of its archive", async () => {
  const parentId = await serverIdOf(undrop, parent.login)
  const directory = join(undrop.directory, 'servers', await serverIdOf(undrop, child.login))
  const parentConf = await readFile(
    join(undrop.directory, 'servers', parentId, 'conf/pgbackrest.conf'),
    'utf8',
  )
  const passphrase = /^repo1-cipher-pass=(.+)$/m.exec(parentConf)?.[1] ?? ''
  expect(passphrase.length).toBeGreaterThan(30)

  const files = await readdir(directory, { recursive: true, withFileTypes: true })
  const telling = []
  for (const file of files) {
    const path = join(file.parentPath, file.name)
    const bytes = file.isFile() ? await readFile(path).catch(() => Buffer.alloc(0)) : Buffer.alloc(0)
    if (path.includes(parentId) || bytes.includes(parentId) || bytes.includes(passphrase)) telling.push(path)
  }
  expect(telling).toEqual([])
})

test('only Undrop and the OS user can read the configuration that holds the passphrase of an archive', async () => {
  const conf = join(undrop.directory, 'servers', await serverIdOf(undrop, child.login), 'conf')
  await until(async () => (await readdir(conf)).includes('pgbackrest.conf'), 'the child to have an archive')
  for (const name of await readdir(conf))
    expect.soft((await stat(join(conf, name))).mode & 0o777, name).toBe(0o640)
  expect((await stat(conf)).mode & 0o777).toBe(0o750)
})
