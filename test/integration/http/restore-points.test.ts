import { describe, expect, test } from 'vitest'
import { availableAddon, codeOf, completeBackup, finishOperations, startApi } from './test-api.ts'

async function protectedAddon() {
  const api = await startApi()
  const { client } = await api.newTenant()
  const addon = await availableAddon(api.db, client)
  await completeBackup(api.db, addon)
  const make = (name: string) => client('POST', `/v1/addons/${addon.id}/restore-points`, { name })
  const restore = (target: object) => client('POST', `/v1/addons/${addon.id}/restores`, { target })
  /** As the workflow would: the point is archived at that LSN, or has another status. */
  const become = (status: 'archived' | 'failed', lsn: string | null) =>
    api.db
      .updateTable('restore_point')
      .set({ status, lsn, wal_name: lsn && 'w' })
      .execute()
  return { ...api, client, addon, make, restore, become }
}

describe('POST /v1/addons/{addonId}/restore-points', () => {
  test('202 opens work that goes on beside a backup, and is listed and read', async () => {
    const { db, client, addon, make, rung } = await protectedAddon()
    await client('POST', `/v1/addons/${addon.id}/backups`, {})
    const response = await make('before-upgrade')
    expect(response.statusCode, response.body).toBe(202)
    const point = response.json()
    expect(response.headers.location).toBe(`/v1/restore-points/${point.id}`)
    expect(point).toMatchObject({ name: 'before-upgrade', status: 'queued', lsn: null, madeAt: null })
    expect((await client('GET', `/v1/restore-points/${point.id}`)).json()).toEqual(point)
    expect((await client('GET', `/v1/addons/${addon.id}/restore-points`)).json().data).toEqual([point])
    const open = await db.selectFrom('operation').selectAll().where('finished_at', 'is', null).execute()
    expect(open.map(({ kind }) => kind)).toEqual(['backup.take', 'restore-point.create'])
    expect(rung.at(-1)?.operationId).toBe(open[1]?.id)
  })

  test('409 for a name that is taken, by a point that failed too', async () => {
    const { make, become } = await protectedAddon()
    await make('a')
    expect(codeOf(await make('a'))).toBe('restore-point-name-taken')
    await become('failed', null)
    expect(codeOf(await make('a'))).toBe('restore-point-name-taken')
    expect((await make('b')).statusCode).toBe(202)
  })

  test('409 while the add-on is not available, and before its first backup', async () => {
    const { db, client, addon, make } = await protectedAddon()
    const bare = await availableAddon(db, client)
    const early = await client('POST', `/v1/addons/${bare.id}/restore-points`, { name: 'a' })
    expect(codeOf(early)).toBe('not-protected-yet')
    await client('DELETE', `/v1/addons/${addon.id}`)
    expect(codeOf(await make('a'))).toBe('addon-not-available')
  })

  test('a deletion asks a restore point that is being made to end, and waits for it', async () => {
    const { db, client, addon, make } = await protectedAddon()
    await make('a')
    await client('DELETE', `/v1/addons/${addon.id}`)
    const open = await db.selectFrom('operation').selectAll().where('finished_at', 'is', null).execute()
    expect(open).toMatchObject([{ kind: 'restore-point.create', cancel_requested: true }])
  })
})

describe('a restore to a place in WAL', () => {
  test('is accepted to a restore point that is archived, and not found otherwise', async () => {
    const { db, addon, make, restore, become } = await protectedAddon()
    expect(codeOf(await restore({ name: 'a' }))).toBe('target-not-found')
    await make('a')
    const queued = await restore({ name: 'a' })
    expect(queued.json()).toMatchObject({ status: 422, detail: 'The restore point is not archived yet.' })
    await become('failed', null)
    expect(codeOf(await restore({ name: 'a' }))).toBe('target-not-found')
    await become('archived', '0/4000090')
    expect((await restore({ name: 'a' })).json()).toMatchObject({ target: { name: 'a' }, status: 'queued' })
    await finishOperations(db, addon.id)
  })

  test('is refused before the end of the first usable backup', async () => {
    const { db, restore } = await protectedAddon()
    const refused = await restore({ lsn: '0/30000FF' })
    expect(codeOf(refused)).toBe('target-before-window')
    expect(refused.json()).toMatchObject({ earliestLsn: '0/3000100' })
    expect((await restore({ lsn: '00/03000100' })).json().target).toEqual({ lsn: '0/3000100' })
    await db.updateTable('backup').set({ damaged_at: '2026-11-23T13:00:00.000000Z' }).execute()
    expect(codeOf(await restore({ lsn: '0/3000100' }))).toBe('not-protected-yet')
  })

  test('is accepted to any transaction, which only the work can find', async () => {
    const { restore } = await protectedAddon()
    expect((await restore({ xid: '000741' })).json().target).toEqual({ xid: '741' })
  })
})
