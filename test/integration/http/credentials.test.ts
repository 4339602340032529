import { describe, expect, test } from 'vitest'
import { keyRing, sealContext } from '../../../src/secrets/key-ring.ts'
import {
  activeCredential,
  availableAddon,
  codeOf,
  completeBackup,
  ENDPOINT_HOST,
  startApi,
} from './test-api.ts'

async function addonWithReader() {
  const ring = keyRing([Buffer.alloc(32, 7)])
  const api = await startApi({ keyRing: ring })
  const { client, keyId } = await api.newTenant()
  const addon = await availableAddon(api.db, client, 'shop')
  const id = await activeCredential(api.db, client, addon.id)
  const path = `/v1/addons/${addon.id}/credentials`
  const row = () => api.db.selectFrom('credential').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const become = (status: 'pending' | 'active' | 'rotating' | 'deleting') =>
    api.db.updateTable('credential').set({ status }).where('id', '=', id).execute()
  const audits = (action: string) =>
    api.db.selectFrom('audit_entry').selectAll().where('action', '=', action).execute()
  return { ...api, ring, client, keyId, addon, id, path, row, become, audits }
}

describe('credentials of an add-on', () => {
  test('are listed and read, that of the owner first, and nothing in it logs in', async () => {
    const { client, path, id, row, addon } = await addonWithReader()
    const { data } = (await client('GET', path)).json()
    expect(data).toMatchObject([
      { name: 'owner', access: 'owner', status: 'active' },
      { id, name: 'reporting', access: 'read-only', status: 'active', oldLoginUntil: null },
    ])
    expect((await client('GET', `${path}/${id}`)).json()).toEqual(data[1])
    const { username } = await row()
    expect(JSON.stringify(data)).not.toContain(username)
    expect(JSON.stringify(data)).not.toContain(addon.username)
  })

  test('are made by work that goes on beside a backup, recorded and told of', async () => {
    const { db, client, path, addon, rung, audits } = await addonWithReader()
    await completeBackup(db, addon)
    await client('POST', `/v1/addons/${addon.id}/backups`, {})
    const made = await client('POST', path, { name: 'app', access: 'read-write' })
    expect(made.statusCode, made.body).toBe(202)
    const { id } = made.json()
    expect(made.headers.location).toBe(`${path}/${id}`)
    expect(made.json()).toMatchObject({ name: 'app', access: 'read-write', status: 'pending' })
    const operations = await db
      .selectFrom('operation')
      .selectAll()
      .where('id', '=', rung.at(-1)?.operationId ?? '')
      .execute()
    expect(operations).toMatchObject([
      { kind: 'credential.apply', memo: { credentialId: id }, exclusive: false },
    ])
    expect(await audits('credential.create')).toMatchObject([
      {},
      { resource_id: id, detail: { name: 'app' } },
    ])
    const events = await db.selectFrom('outbox_event').selectAll().where('resource_id', '=', id).execute()
    expect(events).toMatchObject([
      { type: 'credential.created', payload: { addonId: addon.id, name: 'app' } },
    ])
    expect(codeOf(await client('POST', `${path}/${id}/reveal`))).toBe('credential-not-ready')
  })

  test('have names of their own, which are free again after a deletion', async () => {
    const { db, client, path, id } = await addonWithReader()
    for (const name of ['owner', 'reporting'])
      expect(codeOf(await client('POST', path, { name, access: 'read-only' }))).toBe('credential-name-taken')
    const gone = { status: 'deleted', deleted_at: '2026-11-23T13:00:00.000000Z' } as const
    await db.updateTable('credential').set(gone).where('id', '=', id).execute()
    expect((await client('POST', path, { name: 'reporting', access: 'read-only' })).statusCode).toBe(202)
    expect((await client('GET', `${path}/${id}`)).json()).toMatchObject({ status: 'deleted' })
  })

  test('are revealed as they were sealed, and revealing is recorded', async () => {
    const { client, path, id, row, ring, addon, audits, keyId } = await addonWithReader()
    const { username, password_sealed: sealed } = await row()
    const password = ring.open(sealed ?? '', sealContext.credentialPassword(id))
    const url = `postgresql://${username}:${password}@${ENDPOINT_HOST}:${addon.port}/shop`
    const revealed = (await client('POST', `${path}/${id}/reveal`)).json()
    expect(revealed).toMatchObject({ username, password, url, database: 'shop', port: addon.port })
    expect(await audits('credential.reveal')).toMatchObject([
      { api_key_id: keyId, resource_id: id, detail: { name: 'reporting' } },
    ])
  })

  test('the owner’s is revealed by its id as it is without', async () => {
    const { client, path, audits } = await addonWithReader()
    const [owner] = (await client('GET', path)).json().data
    const revealed = await client('POST', `${path}/${owner.id}/reveal`)
    expect(revealed.json()).toEqual((await client('POST', `${path}/reveal`)).json())
    expect(await audits('addon.reveal-credentials')).toHaveLength(2)
  })
})

describe('rotation', () => {
  test('leaves what works to be revealed until the server has the new login', async () => {
    const { client, path, id, row, audits } = await addonWithReader()
    const before = (await client('POST', `${path}/${id}/reveal`)).json()
    const response = await client('POST', `${path}/${id}/rotate`, { overlapSeconds: 600 })
    expect(response.statusCode, response.body).toBe(202)
    expect(response.json()).toMatchObject({ id, status: 'rotating' })
    expect((await client('POST', `${path}/${id}/reveal`)).json()).toEqual(before)
    const { next_username: next, overlap_seconds: overlap } = await row()
    expect([next === before.username, overlap]).toEqual([false, 600])
    expect(await audits('credential.rotate')).toMatchObject([
      { detail: { overlapSeconds: 600 }, before: { status: 'active' }, after: { status: 'rotating' } },
    ])
    expect(codeOf(await client('POST', `${path}/${id}/rotate`, { overlapSeconds: 0 }))).toBe(
      'credential-not-ready',
    )
  })

  test('of the owner is asked for without an id, and waits for no backup', async () => {
    const { db, client, path, addon } = await addonWithReader()
    await completeBackup(db, addon)
    await client('POST', `/v1/addons/${addon.id}/backups`, {})
    const response = await client('POST', `${path}/rotate`, { overlapSeconds: 0 })
    expect(response.json()).toMatchObject({ name: 'owner', access: 'owner', status: 'rotating' })
    expect(response.headers.location).toBe(`${path}/${response.json().id}`)
  })
})

describe('deletion', () => {
  test('is asked for once, and not of the owner’s nor of one that is being changed', async () => {
    const { client, path, id, become, audits } = await addonWithReader()
    await become('rotating')
    expect(codeOf(await client('DELETE', `${path}/${id}`))).toBe('credential-not-ready')
    await become('active')
    for (const _ of ['once', 'again'])
      expect((await client('DELETE', `${path}/${id}`)).json()).toMatchObject({ status: 'deleting' })
    expect(await audits('credential.delete')).toHaveLength(1)
    expect(codeOf(await client('POST', `${path}/${id}/reveal`))).toBe('credential-not-ready')
    const [owner] = (await client('GET', path)).json().data
    expect(codeOf(await client('DELETE', `${path}/${owner.id}`))).toBe('owner-credential')
  })
})

test('nothing is changed while the add-on is not available', async () => {
  const { client, path, id, addon } = await addonWithReader()
  await client('DELETE', `/v1/addons/${addon.id}`)
  const rotation = { overlapSeconds: 0 }
  for (const response of [
    await client('POST', path, { name: 'app', access: 'read-only' }),
    await client('POST', `${path}/rotate`, rotation),
    await client('POST', `${path}/${id}/rotate`, rotation),
    await client('POST', `${path}/${id}/reveal`),
    await client('DELETE', `${path}/${id}`),
  ])
    expect(codeOf(response)).toBe('addon-not-available')
})

test('a credential of one add-on is not found through another of the same tenant', async () => {
  const { db, client, id } = await addonWithReader()
  const other = await availableAddon(db, client)
  for (const [method, tail, body] of [
    ['GET', '', undefined],
    ['DELETE', '', undefined],
    ['POST', '/reveal', undefined],
    ['POST', '/rotate', { overlapSeconds: 0 }],
  ] as const) {
    const response = await client(method, `/v1/addons/${other.id}/credentials/${id}${tail}`, body)
    expect(codeOf(response), method).toBe('credential-not-found')
  }
})

test('a child gets credentials of the same names and accesses, with logins of their own', async () => {
  const { db, client, addon, id, row } = await addonWithReader()
  await completeBackup(db, addon)
  const restore = (
    await client('POST', `/v1/addons/${addon.id}/restores`, { target: { latest: true } })
  ).json()
  const { data } = (await client('GET', `/v1/addons/${restore.childAddonId}/credentials`)).json()
  expect(data).toMatchObject([
    { name: 'owner', access: 'owner' },
    { name: 'reporting', access: 'read-only', status: 'pending' },
  ])
  const copied = db.selectFrom('credential').selectAll().where('copied_from', '=', id)
  const child = await copied.executeTakeFirstOrThrow()
  expect(child.username).not.toBe((await row()).username)
})
