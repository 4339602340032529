import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { transact } from '../../../src/db/transact.ts'
import { openOperation } from '../../../src/operations/open.ts'
import { until } from '../../support/until.ts'
import { availableAddon, codeOf, completeBackup, finishOperations, startApi } from './test-api.ts'

const latest = { target: { latest: true } }

describe('DELETE /v1/addons/{addonId}', () => {
  test('202 opens one deletion, however often it is asked for', async () => {
    const { db, newTenant, rung } = await startApi()
    const { client } = await newTenant()
    const { id } = await availableAddon(db, client)
    rung.length = 0
    const responses = await Promise.all(Array.from({ length: 4 }, () => client('DELETE', `/v1/addons/${id}`)))
    for (const response of responses)
      expect(response.json()).toMatchObject({ id, status: 'deleting', endpoint: null })
    expect(responses.map((response) => response.statusCode)).toEqual([202, 202, 202, 202])

    const open = db.selectFrom('operation').selectAll().where('finished_at', 'is', null)
    expect(await open.execute()).toMatchObject([{ kind: 'addon.delete', addon_id: id, memo: {} }])
    expect(rung).toHaveLength(1)
  })

  test('202 asks an operation that runs on the server to end, and rings for it', async () => {
    const { db, newTenant, rung } = await startApi()
    const { client } = await newTenant()
    const { id } = (await client('POST', '/v1/addons', { name: 'shop-db' })).json()
    expect((await client('DELETE', `/v1/addons/${id}`)).statusCode).toBe(202)
    const operations = await db.selectFrom('operation').selectAll().execute()
    expect(operations).toMatchObject([{ kind: 'addon.provision', cancel_requested: true }])
    const wakeUp = { operationId: operations[0]?.id, version: 1 }
    expect(rung).toEqual([wakeUp, wakeUp])
  })

  test('202 for the child of a restore that runs cancels the restore', async () => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant()
    const source = await availableAddon(db, client)
    await completeBackup(db, source)
    const restore = (await client('POST', `/v1/addons/${source.id}/restores`, latest)).json()
    expect((await client('DELETE', `/v1/addons/${restore.childAddonId}`)).statusCode).toBe(202)
    const operation = db.selectFrom('operation').selectAll().where('addon_id', '=', restore.childAddonId)
    expect(await operation.execute()).toMatchObject([{ kind: 'restore.run', cancel_requested: true }])
  })

  test('409 while a restore reads the archive; the child of a finished one does not matter', async () => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant()
    const source = await availableAddon(db, client)
    await completeBackup(db, source)
    await client('POST', `/v1/addons/${source.id}/restores`, latest)
    expect(codeOf(await client('DELETE', `/v1/addons/${source.id}`))).toBe('restore-in-progress')
    await db.updateTable('restore').set({ status: 'failed', finished_at: sql`now()` }).execute()
    expect((await client('DELETE', `/v1/addons/${source.id}`)).statusCode).toBe(202)
  })

  test('409 while it is protected against deletion', async () => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant()
    const { id } = await availableAddon(db, client)
    await client('PATCH', `/v1/addons/${id}`, { deletionProtection: true })
    expect(codeOf(await client('DELETE', `/v1/addons/${id}`))).toBe('deletion-protected')
    await client('PATCH', `/v1/addons/${id}`, { deletionProtection: false })
    expect((await client('DELETE', `/v1/addons/${id}`)).statusCode).toBe(202)
  })

  test('once it is gone it is still shown as deleted, cannot be used, and its name is free', async () => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant()
    const { id } = await availableAddon(db, client, 'shop-db')
    await client('DELETE', `/v1/addons/${id}`)
    expect(codeOf(await client('POST', '/v1/addons', { name: 'shop-db' }))).toBe('addon-name-taken')
    await finishOperations(db, id)
    await db
      .updateTable('addon')
      .set({ status: 'deleted', deleted_at: sql`now()` })
      .where('id', '=', id)
      .execute()
    expect((await client('GET', `/v1/addons/${id}`)).json()).toMatchObject({
      status: 'deleted',
      endpoint: null,
    })
    expect((await client('GET', '/v1/addons')).json().data).toEqual([])
    expect(codeOf(await client('DELETE', `/v1/addons/${id}`))).toBe('addon-not-found')
    expect(codeOf(await client('POST', `/v1/addons/${id}/restores`, latest))).toBe('archive-purged')
    expect((await client('GET', `/v1/operations?addonId=${id}`)).json().data).toHaveLength(2)
    expect((await client('POST', '/v1/addons', { name: 'shop-db' })).statusCode).toBe(202)
  })

  test('a deletion and a restore asked for at once never pass each other', async () => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant()
    for (let round = 0; round < 8; round++) {
      const source = await availableAddon(db, client)
      await completeBackup(db, source)
      const deletion = () => client('DELETE', `/v1/addons/${source.id}`)
      const restore = () => client('POST', `/v1/addons/${source.id}/restores`, latest)
      const responses = await Promise.all(round % 2 === 0 ? [deletion(), restore()] : [restore(), deletion()])
      const codes = responses.map((response) => (response.statusCode === 202 ? 'accepted' : codeOf(response)))
      expect(codes.filter((code) => code === 'accepted')).toHaveLength(1)
      expect(['restore-in-progress', 'addon-not-available']).toContain(
        codes.find((code) => code !== 'accepted'),
      )
    }
  })

  test('202 although a worker that has locked the operation then wants the add-on', async () => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant()
    const { id } = (await client('POST', '/v1/addons', { name: 'shop-db' })).json()
    const blocked = async () => {
      // Other tests wait for locks too, in databases of their own.
      const { rows } = await sql`select 1 from pg_locks join pg_stat_activity using (pid)
        where not granted and datname = current_database()`.execute(db)
      return rows.length > 0
    }
    let deletion: ReturnType<typeof client> | undefined
    // As workers do: PostgreSQL may pick either side to break the deadlock.
    await transact(db, async (worker) => {
      await worker.updateTable('operation').set({ step: 'next' }).where('addon_id', '=', id).execute()
      if (deletion === undefined) {
        deletion = client('DELETE', `/v1/addons/${id}`)
        await until(blocked)
      }
      await worker.updateTable('addon').set({ protection: 'protected' }).where('id', '=', id).execute()
    })
    expect((await deletion)?.json()).toMatchObject({ status: 'deleting' })
  })

  test('while its archive is kept it can be looked at and restored by its id, and 409 afterwards', async () => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant()
    const addon = await availableAddon(db, client)
    await completeBackup(db, addon)
    await client('POST', `/v1/addons/${addon.id}/restore-points`, { name: 'before-upgrade' })
    await finishOperations(db, addon.id)
    const archive = db.updateTable('archive').where('server_id', '=', addon.server_id)
    const until = '2026-11-30T14:00:00.000000Z'
    await db
      .updateTable('addon')
      .set({ status: 'deleted', deleted_at: sql`now()` })
      .where('id', '=', addon.id)
      .execute()
    await archive.set({ keep_until: until, last_commit_at: '2026-11-23T13:30:00.000000Z' }).execute()
    const path = `/v1/addons/${addon.id}`
    expect((await client('GET', path)).json()).toMatchObject({ archiveKeptUntil: until })
    expect((await client('GET', `${path}/recovery-window`)).json()).toMatchObject({
      latest: '2026-11-23T13:30:00.000000Z',
    })
    expect((await client('GET', `${path}/backups`)).json().data).toHaveLength(1)
    expect((await client('GET', `${path}/restore-points`)).json().data).toHaveLength(1)
    expect((await client('POST', `${path}/restores`, latest)).statusCode).toBe(202)

    await archive.set({ keep_until: '2026-11-23T14:00:00.000000Z' }).execute()
    for (const answer of [
      await client('GET', `${path}/recovery-window`),
      await client('GET', `${path}/backups`),
      await client('GET', `${path}/restore-points`),
      await client('POST', `${path}/restores`, latest),
    ])
      expect([answer.statusCode, codeOf(answer)]).toEqual([409, 'archive-purged'])
  })

  test('409 for a restore once the archive is being purged, whatever the clock of the API says', async () => {
    const { db, newTenant } = await startApi()
    const { client, id: tenantId } = await newTenant()
    const { id: addonId, server_id: serverId, ...addon } = await availableAddon(db, client)
    await completeBackup(db, { ...addon, id: addonId, server_id: serverId })
    await db
      .updateTable('addon')
      .set({ status: 'deleted', deleted_at: sql`now()` })
      .where('id', '=', addonId)
      .execute()
    await db.updateTable('archive').set({ keep_until: '2026-11-30T14:00:00.000000Z' }).execute()
    await openOperation(db, { tenantId, kind: 'archive.purge', serverId, addonId, memo: {} })
    expect(codeOf(await client('POST', `/v1/addons/${addonId}/restores`, latest))).toBe('archive-purged')
  })

  test('nothing more is planned for it', async () => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant()
    const { id } = await availableAddon(db, client)
    const soon = '2026-11-23T15:00:00.000000Z'
    await db
      .updateTable('archive')
      .set({ next_backup_at: soon, next_backup_type: 'full', next_drill_at: soon })
      .execute()
    await client('DELETE', `/v1/addons/${id}`)
    expect(await db.selectFrom('archive').selectAll().execute()).toMatchObject([
      {
        next_backup_at: null,
        next_backup_type: null,
        next_drill_at: null,
        schedule_stale: false,
        drill_stale: false,
      },
    ])
  })
})
