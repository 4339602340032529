import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
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
    expect(codeOf(await client('POST', `/v1/addons/${id}/restores`, latest))).toBe('addon-not-found')
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
      const { rows } = await sql`select 1 from pg_locks where not granted`.execute(db)
      return rows.length > 0
    }
    let deletion: ReturnType<typeof client> | undefined
    await db.transaction().execute(async (worker) => {
      await worker.updateTable('operation').set({ step: 'next' }).where('addon_id', '=', id).execute()
      deletion = client('DELETE', `/v1/addons/${id}`)
      await until(blocked)
      await worker.updateTable('addon').set({ protection: 'protected' }).where('id', '=', id).execute()
    })
    expect((await deletion)?.json()).toMatchObject({ status: 'deleting', protection: 'protected' })
  })
})
