import { afterAll, beforeAll, expect, test } from 'vitest'
import * as api from './client/sdk.gen.ts'
import { asAdmin } from './support/admin.ts'
import {
  aProtectedAddon,
  aTenant,
  ok,
  query,
  restoredChild,
  reveal as revealOwner,
  trusting,
  until,
  urlAs,
} from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

let undrop: Undrop
let tenantId: string
beforeAll(async () => {
  undrop = await startUndrop()
  tenantId = await aTenant(undrop)
})
afterAll(() => undrop.remove())

const list = async (addonId: string) =>
  (await ok(api.listCredentials({ client: undrop.client, path: { addonId } }))).data

async function untilActive(addonId: string, credentialId: string): Promise<void> {
  const path = { addonId, credentialId }
  await until(
    async () => (await ok(api.getCredential({ client: undrop.client, path }))).status === 'active',
    `credential ${credentialId} to be active`,
  )
}

async function add(addonId: string, name: string, access: 'read-only' | 'read-write') {
  const { client } = undrop
  const { id } = await ok(api.createCredential({ client, path: { addonId }, body: { name, access } }))
  await untilActive(addonId, id)
  return id
}

const reveal = async (addonId: string, credentialId: string) =>
  trusting(
    await ok(api.revealCredential({ client: undrop.client, path: { addonId, credentialId } })),
    undrop.directory,
  )

async function rotateOwner(addonId: string, overlapSeconds: number) {
  const { client } = undrop
  const path = { addonId }
  const { id } = await ok(api.rotateOwnerCredential({ client, path, body: { overlapSeconds } }))
  await untilActive(addonId, id)
  return revealOwner(undrop, addonId)
}

const works = (url: string, text = 'select 1') =>
  query(url, text).then(
    () => true,
    () => false,
  )

test('a rotated owner has a new login at once, and the old one until the overlap ends', async () => {
  const { id, login: old } = await aProtectedAddon(undrop, tenantId, 'rotated')
  await query(old.url, 'create table made_before as select 1 as n')
  const next = await rotateOwner(id, 4)
  await query(old.url, 'create table made_by_old as select 2 as n')
  await query(next.url, 'drop table made_before; alter table made_by_old add column m int')
  await until(async () => !(await works(old.url)), 'the old login to be refused')
  await until(
    async () =>
      (await asAdmin(undrop, old, `select 1 from pg_roles where rolname = '${old.username}'`)).length === 0,
    'the old login to be dropped',
  )
  expect(await works(next.url, 'drop table made_by_old')).toBe(true)

  const last = await rotateOwner(id, 0)
  expect(await works(next.url)).toBe(false)
  expect(await works(last.url)).toBe(true)
})

test('the logins of a parent, old and new, are refused by its child, which has the same credentials of its own', async () => {
  const { id, login: first } = await aProtectedAddon(undrop, tenantId, 'parent')
  const { client } = undrop
  await query(first.url, 'create table customers as select 5 as n')
  const reader = await add(id, 'reporting', 'read-only')
  const goner = await add(id, 'goner', 'read-write')
  const logins = [first, await reveal(id, reader), await reveal(id, goner)]
  const second = await rotateOwner(id, 3600)
  await ok(
    api.rotateCredential({
      client,
      path: { addonId: id, credentialId: reader },
      body: { overlapSeconds: 3600 },
    }),
  )
  await untilActive(id, reader)
  logins.push(second, await reveal(id, reader))
  const [clock] = await query(
    second.url,
    `select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now`,
  )
  const writer = await add(id, 'app', 'read-write')
  logins.push(await reveal(id, writer))
  await ok(api.deleteCredential({ client, path: { addonId: id, credentialId: goner } }))
  await query(second.url, 'drop table customers')

  const { restore, login } = await restoredChild(undrop, id, { time: (clock as { now: string }).now })
  const child = restore.childAddonId
  for (const { username, password } of logins) {
    const url = urlAs(login.url, { username, password, port: login.port })
    expect.soft(await works(url), username).toBe(false)
  }
  const credentials = await list(child)
  expect(credentials.map(({ name, access, status }) => [name, access, status])).toEqual([
    ['owner', 'owner', 'active'],
    ['reporting', 'read-only', 'active'],
    ['app', 'read-write', 'active'],
  ])
  const [, readerOfChild, writerOfChild] = credentials
  const childReader = await reveal(child, readerOfChild?.id ?? '')
  const childWriter = await reveal(child, writerOfChild?.id ?? '')
  expect(await query(childReader.url, 'select n from customers')).toEqual([{ n: 5 }])
  expect(await works(childReader.url, 'delete from customers')).toBe(false)
  expect(await works(childWriter.url, 'update customers set n = 6')).toBe(true)
  expect(await works(childWriter.url, 'drop table customers')).toBe(false)
  expect(await works(login.url, 'drop table customers')).toBe(true)
  const renamed = restore.securedRoles?.filter(({ action }) => action === 'renamed').map(({ name }) => name)
  expect(renamed).toEqual([second.username, logins[4]?.username])
  const able = await asAdmin<{ rolname: string }>(
    undrop,
    login,
    'select rolname from pg_authid where rolcanlogin or rolpassword is not null',
  )
  expect(able.map(({ rolname }) => rolname).sort()).toEqual(
    ['undrop_admin', login.username, childReader.username, childWriter.username].sort(),
  )
})

test('a credential that is deleted is refused, its sessions end, and what it owned is the owner’s', async () => {
  const { id, login: owner } = await aProtectedAddon(undrop, tenantId, 'deleting')
  const writer = await add(id, 'app', 'read-write')
  const login = await reveal(id, writer)
  await query(login.url, 'select lo_create(4711)')
  const sleeping = works(login.url, 'select pg_sleep(60)')
  const asleep = `select 1 from pg_stat_activity where usename = '${login.username}' and query like '%pg_sleep%'`
  await until(async () => (await asAdmin(undrop, owner, asleep)).length === 1, 'the session to be there')
  const path = { addonId: id, credentialId: writer }
  await ok(api.deleteCredential({ client: undrop.client, path }))
  expect(await sleeping).toBe(false)
  await until(
    async () => (await ok(api.getCredential({ client: undrop.client, path }))).status === 'deleted',
    'the credential to be deleted',
  )
  expect(await works(login.url)).toBe(false)
  expect(await works(owner.url, 'select lo_unlink(4711)')).toBe(true)
})
