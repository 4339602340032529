import { chown, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import * as api from './client/sdk.gen.ts'
import { asAdmin, serverIdOf } from './support/admin.ts'
import { postmasterOf } from './support/inventory.ts'
import { archiveSegment, lose, serverBehind } from './support/server-files.ts'
import { aProtectedAddon, aTenant, ok, query, restoredChild, until } from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

type Addon = Awaited<ReturnType<typeof aProtectedAddon>>

let undrop: Undrop
let tenantId: string
let parent: Addon
let publisher: Addon

beforeAll(async () => {
  undrop = await startUndrop()
  tenantId = await aTenant(undrop)
  ;[parent, publisher] = await Promise.all([
    aProtectedAddon(undrop, tenantId, 'parent'),
    aProtectedAddon(undrop, tenantId, 'publisher'),
  ])
  await query(parent.login.url, 'create table kept as select generate_series(1, 100) as n')
  // After the base backup, so that a child knows of it from WAL or from its parent only.
  await Promise.all([
    restartWith(parent, { max_connections: 150, max_prepared_transactions: 20 }),
    restartWith(publisher, { wal_level: 'logical' }),
  ])
})
afterAll(() => undrop.remove())

/** As an admin would do it by hand; Undrop starts the server again. */
async function restartWith({ login }: Addon, settings: Record<string, string | number>): Promise<void> {
  for (const [name, value] of Object.entries(settings))
    await asAdmin(undrop, login, `alter system set ${name} = '${value}'`)
  process.kill(await postmasterOf(undrop, await serverIdOf(undrop, login)), 'SIGINT')
  const [[name, value]] = Object.entries(settings) as [[string, string | number]]
  const shown = () => asAdmin<Record<string, string>>(undrop, login, `show ${name}`).catch(() => [])
  await until(async () => (await shown())[0]?.[name] === String(value), `${name} to be ${value}`)
}

const latest = { latest: true } as const

const inDatabase = <Row extends object>({ login }: Pick<Addon, 'login'>, text: string) =>
  asAdmin<Row>(undrop, login, text, login.database)

async function expectKept(url: string): Promise<void> {
  expect(await query(url, 'select count(*)::int as n from kept')).toEqual([{ n: 100 }])
}

test('a parent whose limits were raised after the backup restores, with its limits and without its prepared transactions', async () => {
  for (const n of [1, 2, 3])
    await inDatabase(parent, `begin; create table prepared_${n} (n int); prepare transaction 'left_${n}'`)
  const child = await restoredChild(undrop, parent.id, latest)
  await expectKept(child.login.url)
  expect(await asAdmin(undrop, child.login, 'select gid from pg_prepared_xacts')).toEqual([])
  expect(await asAdmin(undrop, parent.login, 'select count(*)::int as n from pg_prepared_xacts')).toEqual([
    { n: 3 },
  ])
  const limits = `select current_setting('max_connections') as connections, current_setting('max_prepared_transactions') as prepared`
  expect(await asAdmin(undrop, child.login, limits)).toEqual([{ connections: '150', prepared: '20' }])
})

test("a child neither takes over nor disturbs its parent's subscription", async () => {
  const { host, port, database } = publisher.login
  // Subscriptions keep their password where its tenant can read it; the owner's is nobody else's to keep.
  await asAdmin(
    undrop,
    publisher.login,
    `create role reader login replication password 'for-news-only'; grant connect on database ${database} to reader`,
  )
  await query(
    publisher.login.url,
    'create table news (n int); grant select on news to reader; create publication all_news for table news',
  )
  await query(parent.login.url, 'create table news (n int)')
  const connection = `host=${host} port=${port} dbname=${database} user=reader password=for-news-only`
  await inDatabase(parent, `create subscription reader connection '${connection}' publication all_news`)
  const newsOf = async (url: string) =>
    (await query<{ n: number }>(url, 'select n from news order by n')).map(({ n }) => n)
  await query(publisher.login.url, 'insert into news values (1)')
  await until(async () => (await newsOf(parent.login.url)).length === 1, 'the first news')

  const child = await restoredChild(undrop, parent.id, latest)
  await query(publisher.login.url, 'insert into news values (2)')
  await until(async () => (await newsOf(parent.login.url)).length === 2, 'the second news')
  expect(await newsOf(child.login.url)).toEqual([1])
  expect(await inDatabase(child, 'select subname, subenabled, subslotname from pg_subscription')).toEqual([
    { subname: 'reader', subenabled: false, subslotname: null },
  ])
  expect(await asAdmin(undrop, child.login, `show max_logical_replication_workers`)).not.toEqual([
    { max_logical_replication_workers: '0' },
  ])
  await inDatabase(parent, 'drop subscription reader')
})

test('a parent with hostile settings on its database and its owner, and with event triggers, restores', async () => {
  const { username, database, url } = parent.login
  await inDatabase(
    parent,
    `create function refuse() returns event_trigger language plpgsql as $$ begin raise 'refused'; end $$;
     create event trigger refuse_all on ddl_command_start execute function refuse()`,
  )
  const settings = {
    default_transaction_read_only: 'on',
    default_transaction_isolation: 'serializable',
    search_path: 'nowhere',
    statement_timeout: '1ms',
    lock_timeout: '1ms',
    idle_session_timeout: '1ms',
    role: username,
    DateStyle: 'German',
    client_encoding: 'LATIN1',
  }
  // The owner itself, in one session and one transaction, as the settings hit every later one.
  const changes = Object.entries(settings).flatMap(([name, value]) => [
    `alter database ${database} set ${name} = '${value}'`,
    `alter role ${username} set ${name} = '${value}'`,
  ])
  await query(url, changes.join(';'))
  try {
    const child = await restoredChild(undrop, parent.id, latest)
    const [answer] = await query<{ read_only: string }>(
      `${child.login.url}&options=-c%20statement_timeout%3D0%20-c%20idle_session_timeout%3D0`,
      `select current_setting('default_transaction_read_only') as read_only`,
    )
    expect(answer).toEqual({ read_only: 'on' })
  } finally {
    await asAdmin(
      undrop,
      parent.login,
      `alter database ${database} reset all; alter role ${username} reset all`,
    )
    await inDatabase(parent, 'drop event trigger refuse_all')
  }
})

test('a parent whose owner has locked itself out restores, and what locks it out can be mended on the child', async () => {
  const { username, database, url } = parent.login
  await query(
    url,
    `alter database ${database} set local_preload_libraries = 'missing_library';
     alter role ${username} set local_preload_libraries = 'missing_library';
     alter database ${database} connection limit 0;
     revoke connect on database ${database} from ${username}`,
  )
  const mend = (owner: string) =>
    `alter database ${database} reset all; alter role ${owner} reset all;
     alter database ${database} connection limit -1; grant connect on database ${database} to ${owner}`
  try {
    const child = await restoredChild(undrop, parent.id, latest)
    await expect(query(child.login.url, 'select 1')).rejects.toThrow()
    await asAdmin(undrop, child.login, mend(child.login.username))
    await expectKept(child.login.url)
  } finally {
    await asAdmin(undrop, parent.login, mend(username))
  }
})

test('a parent with an owner whose password is an md5 hash, has expired and is limited in connections restores', async () => {
  const { username, password } = parent.login
  await asAdmin(
    undrop,
    parent.login,
    `set password_encryption = 'md5';
     alter role ${username} password '${password}' valid until '2020-01-01' connection limit 0;
     create role expired login password 'old' valid until '2020-01-01'`,
  )
  const child = await restoredChild(undrop, parent.id, latest)
  await expectKept(child.login.url)
  expect(child.restore.securedRoles).toContainEqual({ name: 'expired', action: 'locked' })
  await asAdmin(undrop, parent.login, `alter role ${username} valid until 'infinity' connection limit -1`)
})

test('2 GB of WAL since the backup are replayed', async () => {
  const emit = `select pg_logical_emit_message(false, 'bulk', repeat('x', 16000000)) from generate_series(1, 130)`
  await asAdmin(undrop, publisher.login, emit)
  const child = await restoredChild(undrop, publisher.id, latest)
  expect(child.restore.progress.walDone).toBeGreaterThan(120)
  expect(await query(child.login.url, 'select n from news')).toEqual([{ n: 1 }, { n: 2 }])
})

test('a parent that raised its limits and is gone restores all the same', async () => {
  const server = await serverBehind(undrop, tenantId, parent.login.url)
  await archiveSegment(server)
  await lose(server)
  const child = await restoredChild(undrop, parent.id, latest)
  await expectKept(child.login.url)
  expect(child.restore.reached).toMatchObject({ exact: false, reason: 'end_of_wal' })
  expect(await asAdmin(undrop, child.login, 'select gid from pg_prepared_xacts')).toEqual([])
})

test("a backup with a tablespace in it is refused, as a child would be linked to its parent's files", async () => {
  const { client } = undrop
  const directory = await mkdtemp(join(tmpdir(), 'undrop-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const { uid, gid } = await stat(
    join(undrop.directory, 'servers', await serverIdOf(undrop, publisher.login), 'var'),
  )
  await chown(directory, uid, gid)
  await asAdmin(undrop, publisher.login, `create tablespace outside location '${directory}'`)

  const { id } = await ok(api.createBackup({ client, path: { addonId: publisher.id }, body: {} }))
  const backup = () => ok(api.getBackup({ client, path: { backupId: id } }))
  await until(async () => (await backup()).finishedAt !== null, 'the backup to end')
  expect(await backup()).toMatchObject({ status: 'failed', failure: { code: 'tablespace-unsupported' } })
  await asAdmin(undrop, publisher.login, 'drop tablespace outside')
})
