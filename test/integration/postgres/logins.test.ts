import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { LimitedAccess } from '../../../src/domain/credential.ts'
import { newPassword } from '../../../src/domain/credentials.ts'
import {
  createLogin,
  dropLogins,
  endSessions,
  type Rotation,
  rotateLogin,
} from '../../../src/postgres/logins.ts'
import { createOwner } from '../../../src/postgres/roles.ts'
import { scramVerifier } from '../../../src/postgres/scram.ts'
import { type BareServer, bareServer } from '../../support/bare-server.ts'
import { until } from '../../support/until.ts'

let server: BareServer
beforeAll(async () => {
  server = await bareServer()
  await server.initialise()
  await server.start()
})
afterAll(() => server[Symbol.asyncDispose]())

interface Login {
  username: string
  password: string
}

let serial = 0
let database: string
let owner: Login
beforeEach(async () => {
  serial += 1
  database = `app_${serial}`
  owner = { username: `owner_${serial}`, password: newPassword() }
  const verifier = scramVerifier(owner.password)
  await server.openAdmin('postgres', (client) =>
    createOwner(client, { username: owner.username, databaseName: database, verifier }),
  )
})

async function open({ username: user, password }: Login): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ host: '127.0.0.1', port: server.port, user, password, database })
  client.on('error', () => {})
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end().catch(() => {}) })
}

/** Runs the statements one by one, and returns the rows of the last. */
async function as(login: Login, ...statements: string[]) {
  await using client = await open(login)
  let rows: Record<string, unknown>[] = []
  for (const statement of statements) rows = (await client.query(statement)).rows
  return rows
}

const refusal = (login: Login, statement = 'select 1') =>
  as(login, statement).then(
    () => 'none',
    (error: Error) => error.message,
  )

const grant = () => ({ databaseName: database, owner: owner.username })

async function make(access: LimitedAccess): Promise<Login> {
  const login = { username: `${access.replace('-', '_')}_${serial}`, password: newPassword() }
  const { username, password } = login
  const made = { username, verifier: scramVerifier(password), access, ...grant() }
  for (const _ of ['once', 'again']) await server.openAdmin(database, (client) => createLogin(client, made))
  return login
}

async function rotate(login: Login, overlapSeconds: number, older: string[] = []) {
  const next = { username: `${login.username}_n`, password: newPassword() }
  const verifier = scramVerifier(next.password)
  const rotation: Rotation = {
    username: login.username,
    next: next.username,
    verifier,
    overlapSeconds,
    older,
  }
  const rotated = await server.openAdmin('postgres', (client) => rotateLogin(client, rotation))
  const again = await server.openAdmin('postgres', (client) => rotateLogin(client, rotation))
  if (overlapSeconds > 0) expect(again.validUntil).toBe(rotated.validUntil)
  return { next, ...rotated }
}

const admin = async (query: string, where = 'postgres') =>
  (await server.openAdmin(where, (client) => client.query(query))).rows

describe('a read-only login', () => {
  test('reads what there is and what the owner makes later, tables, views and sequences, in every schema', async () => {
    await as(owner, 'create table now as select 1 as n', 'create schema one', 'create sequence one.seq')
    const reader = await make('read-only')
    await as(
      owner,
      'create table later as select 2 as n',
      'create view seen as select n from later',
      'create schema two',
      'create table two.later (id serial, n int)',
      'create materialized view two.kept as select 3 as n',
      'insert into two.later (n) values (4)',
    )
    const [row] = await as(
      reader,
      `select (select n from now) as a, (select n from seen) as b, (select n from two.kept) as c,
              (select n from two.later) as d, (select last_value from two.later_id_seq) as e,
              (select last_value from one.seq) as f`,
    )
    expect(row).toEqual({ a: 1, b: 2, c: 3, d: 4, e: '1', f: '1' })
  })

  test('writes nothing and makes nothing, also where dumps of older versions have let everybody', async () => {
    await as(owner, 'create table t (id serial, n int)', 'grant all on schema public to public')
    const reader = await make('read-only')
    for (const statement of [
      'insert into t (n) values (1)',
      'update t set n = 1',
      'delete from t',
      'truncate t',
      `select nextval('t_id_seq')`,
      `select setval('t_id_seq', 9)`,
      'create table mine (n int)',
      'create temp table mine (n int)',
      'create schema mine',
      'create view mine as select 1',
      'create function mine() returns int language sql as $$ select 1 $$',
      'alter table t add column m int',
      'drop table t',
      'select lo_create(0)',
      `select lo_from_bytea(0, '\\x00')`,
      `set role ${owner.username}`,
      'select * from pg_authid',
    ])
      expect(await refusal(reader, statement), statement).toMatch(/permission denied|must be owner/)
    expect(await as(owner, 'create table still_mine (n int)', 'select lo_create(0) > 0 as made')).toEqual([
      { made: true },
    ])
  })

  test('reaches the database of the add-on and no other', async () => {
    const reader = await make('read-only')
    const elsewhere = new pg.Client({
      host: '127.0.0.1',
      port: server.port,
      user: reader.username,
      password: reader.password,
      database: 'postgres',
    })
    elsewhere.on('error', () => {})
    await expect(elsewhere.connect()).rejects.toThrow('permission denied for database')
  })
})

test('a read-write login changes all data, now and later, and no definition', async () => {
  await as(owner, 'create table now (id serial, n int)')
  const writer = await make('read-write')
  await as(owner, 'create schema two', 'create table two.later (id serial, n int)')
  for (const table of ['now', 'two.later']) {
    const [row] = await as(
      writer,
      `insert into ${table} (n) values (1), (2)`,
      `update ${table} set n = 5 where n = 1`,
      `delete from ${table} where n = 2`,
      `select id, n from ${table}`,
    )
    expect(row).toEqual({ id: 1, n: 5 })
  }
  await as(writer, 'create temp table scratch (n int)', 'select lo_create(0)')
  for (const statement of [
    'create table mine (n int)',
    'create schema mine',
    'alter table now add column m int',
    'create index on now (n)',
    'drop table now',
  ])
    expect(await refusal(writer, statement), statement).toMatch(/permission denied|must be owner/)
})

describe('rotateLogin', () => {
  test('lets both logins work until the overlap ends, and what the old one makes is the owner’s', async () => {
    await as(
      owner,
      'create table before (n int)',
      `alter role ${owner.username} set search_path = app, public`,
    )
    await as(owner, 'create schema app')
    const { next } = await rotate(owner, 3600)
    const seen = `select current_user::text as who, current_setting('search_path') as path`
    expect(await as(owner, 'create table made_by_old (n int)', seen)).toEqual([
      { who: next.username, path: 'app, public' },
    ])
    expect(await as(next, 'drop table made_by_old, before', seen)).toEqual([
      { who: next.username, path: 'app, public' },
    ])
    expect(await as(owner, 'reset role', 'select current_user::text as who')).toEqual([
      { who: next.username },
    ])
  })

  test('has PostgreSQL refuse the old login when the overlap has ended', async () => {
    const { next, validUntil } = await rotate(owner, 1)
    const [role] = await admin(
      `select rolvaliduntil = '${validUntil}'::timestamptz as same from pg_roles where rolname = '${owner.username}'`,
    )
    expect(role).toEqual({ same: true })
    await until(async () => (await refusal(owner)) !== 'none')
    expect(await refusal(owner)).toContain('authentication failed')
    expect(await refusal(next)).toBe('none')
  })

  test('without an overlap refuses the old login at once, with the old and the new password', async () => {
    const { next } = await rotate(owner, 0)
    expect(await refusal(owner)).toContain('authentication failed')
    expect(await refusal({ ...owner, password: next.password })).toContain('authentication failed')
    expect(await refusal({ ...next, password: owner.password })).toContain('authentication failed')
    expect(await refusal(next)).toBe('none')
  })

  test('during an overlap shortens that of every older login, lengthens none, and both act as the owner', async () => {
    const second = await rotate(owner, 60)
    const third = await rotate(second.next, 3600, [owner.username])
    for (const login of [owner, second.next])
      expect(await as(login, 'select current_user::text as who')).toEqual([{ who: third.next.username }])
    const ends = `select rolname as name, rolvaliduntil::text as until from pg_roles where rolname in ('${owner.username}', '${second.next.username}') order by rolvaliduntil`
    expect((await admin(ends)).map(({ name }) => name)).toEqual([owner.username, second.next.username])
    const fourth = await rotate(third.next, 0, [owner.username, second.next.username])
    for (const login of [owner, second.next, third.next])
      expect(await refusal(login)).toContain('authentication failed')
    expect(await refusal(fourth.next)).toBe('none')
  })

  test('leaves no password or verifier in the log of the server', async () => {
    const { next } = await rotate(owner, 3600)
    const log = await server.log()
    for (const secret of [owner.password, next.password, 'SCRAM-SHA-256']) expect(log).not.toContain(secret)
  })
})

test('the sessions that an old login has opened end, before and after the rotation, and those of the new one stay', async () => {
  await using before = await open(owner)
  const { next, replacedAt } = await rotate(owner, 3600)
  await using during = await open(owner)
  await using after = await open(next)
  const ending = {
    usernames: [owner.username],
    successor: { ...next, olderThan: replacedAt },
  }
  expect(await server.openAdmin('postgres', (client) => endSessions(client, ending))).toBe(2)
  await until(async () => (await server.openAdmin('postgres', (client) => endSessions(client, ending))) === 0)
  for (const client of [before, during]) await expect(client.query('select 1')).rejects.toThrow()
  expect((await after.query('select 1')).rowCount).toBe(1)
  expect(await refusal(owner)).toContain('authentication failed')
})

test('who changes the password of the present login with an old one is locked out all the same', async () => {
  await using before = await open(owner)
  const { next, replacedAt } = await rotate(owner, 0)
  await before.query(`alter role ${next.username} password 'mine'`)
  const stolen = { ...next, password: 'mine' }
  await using intruder = await open(stolen)
  const ending = { usernames: [owner.username], successor: { ...next, olderThan: replacedAt } }
  await until(async () => (await server.openAdmin('postgres', (client) => endSessions(client, ending))) === 0)
  await expect(intruder.query('select 1')).rejects.toThrow()
  expect(await refusal(stolen)).toContain('authentication failed')
  expect(await refusal(next)).toBe('none')
})

test('a login that is dropped leaves what it owns to the owner, readable for who may read, and may be dropped again', async () => {
  const reader = await make('read-only')
  const { next } = await rotate(owner, 3600)
  await as(owner, 'set role none', 'set session characteristics as transaction read write')
  await as(owner, 'set role none', 'select 1')
  await admin(`grant create on schema public to ${owner.username}`, database)
  await as(
    owner,
    'set role none',
    'create table own as select 7 as n',
    `create policy p on own to ${reader.username}`,
  )
  expect(await refusal(reader, 'select n from own')).toContain('permission denied')
  const place = { databaseName: database, owner: next.username }
  for (const _ of ['once', 'again'])
    await dropLogins((name, use) => server.openAdmin(name, use), [owner.username], place)
  expect(await admin(`select 1 from pg_roles where rolname = '${owner.username}'`)).toEqual([])
  expect(await as(reader, 'select n from own')).toEqual([{ n: 7 }])
  await as(next, 'drop table own')
  await dropLogins((name, use) => server.openAdmin(name, use), [reader.username], place)
  expect(await refusal(reader)).toContain('authentication failed')
})
