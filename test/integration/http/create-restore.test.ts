import { describe, expect, test } from 'vitest'
import { keyRing, sealContext } from '../../../src/secrets/key-ring.ts'
import { availableAddon, codeOf, completeBackup, NOW, rowCounts, startApi } from './test-api.ts'

const EARLIEST = '2026-11-23T13:00:01.000000Z'

/** An add-on that can be restored from `EARLIEST` on. */
async function protectedAddon(overrides = {}) {
  const api = await startApi(overrides)
  const { client, id: tenantId } = await api.newTenant()
  const addon = await availableAddon(api.db, client, 'shop-db')
  await completeBackup(api.db, addon)
  const restore = (body: unknown) => client('POST', `/v1/addons/${addon.id}/restores`, body)
  return { ...api, client, tenantId, addon, restore }
}

describe('POST /v1/addons/{addonId}/restores', () => {
  test('202 records a child with its own server and archive, and opens the restore on the child', async () => {
    const { db, client, addon, restore, rung } = await protectedAddon()
    await db.updateTable('server').set({ settings: '{"max_connections":150}' }).execute()
    await client('PATCH', `/v1/addons/${addon.id}`, { labels: { app: 'shop' } })
    const response = await restore({ target: { time: '2026-11-23T14:30:00.123456+01:00' }, exclusive: true })

    expect(response.statusCode).toBe(202)
    const body = response.json()
    expect(response.headers.location).toBe(`/v1/restores/${body.id}`)
    expect(body).toEqual({
      id: expect.stringMatching(/^rst_/),
      tenantId: addon.tenant_id,
      addonId: addon.id,
      childAddonId: expect.stringMatching(/^addon_/),
      target: { time: '2026-11-23T13:30:00.123456Z' },
      exclusive: true,
      backupId: null,
      status: 'queued',
      phase: null,
      progress: {
        percent: 0,
        bytesDone: 0,
        bytesTotal: null,
        walDone: 0,
        walTotal: null,
        replayedTo: null,
        etaSeconds: null,
      },
      reached: null,
      securedRoles: null,
      phaseSeconds: {},
      failure: null,
      createdAt: expect.stringMatching(/\.\d{6}Z$/),
      startedAt: null,
      finishedAt: null,
    })
    expect((await client('GET', `/v1/restores/${body.id}`)).json()).toEqual(body)

    const child = (await client('GET', `/v1/addons/${body.childAddonId}`)).json()
    expect(child).toMatchObject({
      name: `shop-db-restore-${body.id.slice(-6)}`,
      status: 'restoring',
      protection: 'pending',
      databaseName: 'shop_db',
      labels: { app: 'shop' },
      restoredFrom: { addonId: addon.id, restoreId: body.id },
      endpoint: null,
    })
    const rows = await db.selectFrom('restore').selectAll().execute()
    const childServer = rows[0]?.child_server_id ?? ''
    expect(rows).toMatchObject([{ source_server_id: addon.server_id }])
    const server = db.selectFrom('server').selectAll().where('id', '=', childServer)
    expect(await server.execute()).toMatchObject([
      { addon_id: child.id, port: null, desired_state: 'absent', settings: { max_connections: 150 } },
    ])
    const operation = db.selectFrom('operation').selectAll().where('server_id', '=', childServer)
    const operations = await operation.execute()
    expect(operations).toMatchObject([
      { kind: 'restore.run', addon_id: child.id, memo: { restoreId: body.id } },
    ])
    expect(rung.at(-1)).toEqual({ operationId: operations[0]?.id, version: 1 })
  })

  test('the child has a username, a password and a passphrase that its source never had', async () => {
    const ring = keyRing([Buffer.alloc(32, 1)])
    const { db, restore } = await protectedAddon({ keyRing: ring })
    await restore({ target: { latest: true } })
    const addons = await db.selectFrom('addon').selectAll().execute()
    const archives = await db.selectFrom('archive').selectAll().execute()
    const secrets = [
      ...addons.map((row) => row.username),
      ...addons.map((row) => ring.open(row.password_sealed, sealContext.addonPassword(row.id))),
      ...archives.map((row) => ring.open(row.cipher_pass_sealed, sealContext.archiveCipher(row.server_id))),
    ]
    expect(secrets).toHaveLength(6)
    expect(new Set(secrets).size).toBe(6)
  })

  test('several restores of one source may run at once', async () => {
    const { restore } = await protectedAddon()
    const responses = await Promise.all(
      Array.from({ length: 4 }, () => restore({ target: { latest: true } })),
    )
    expect(responses.map((response) => response.statusCode)).toEqual([202, 202, 202, 202])
    expect(new Set(responses.map((response) => response.json().childAddonId)).size).toBe(4)
  })

  test.each([
    ['target-before-window', '2026-11-23T13:00:00.999999Z'],
    ['target-in-future', '2026-11-23T14:00:05.500001Z'],
  ])('422 %s names the window, and nothing is written', async (code, time) => {
    const { db, restore } = await protectedAddon()
    const before = await rowCounts(db)
    const response = await restore({ target: { time } })
    expect(codeOf(response)).toBe(code)
    expect(response.json()).toMatchObject({ status: 422, earliest: EARLIEST, latest: NOW })
    expect(await rowCounts(db)).toEqual(before)
  })

  test('202 for the ends of the window themselves', async () => {
    const { restore } = await protectedAddon()
    for (const time of [EARLIEST, NOW]) expect((await restore({ target: { time } })).statusCode).toBe(202)
  })

  test('409 until there is a complete backup', async () => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant()
    const { id } = await availableAddon(db, client)
    const response = await client('POST', `/v1/addons/${id}/restores`, { target: { latest: true } })
    expect(codeOf(response)).toBe('not-protected-yet')
  })

  test('409 for an add-on that is not available, such as a child that is being restored', async () => {
    const { client, restore } = await protectedAddon()
    const { childAddonId } = (await restore({ target: { latest: true } })).json()
    const response = await client('POST', `/v1/addons/${childAddonId}/restores`, { target: { latest: true } })
    expect(codeOf(response)).toBe('addon-not-available')
  })

  test('409 when the name wanted for the child is taken, and nothing is written', async () => {
    const { db, restore } = await protectedAddon()
    const before = await rowCounts(db)
    expect(codeOf(await restore({ target: { latest: true }, name: 'shop-db' }))).toBe('addon-name-taken')
    expect(await rowCounts(db)).toEqual(before)
    expect((await restore({ target: { latest: true }, name: 'shop-db-old' })).statusCode).toBe(202)
  })

  test('the name made up for the child of a long name is not too long', async () => {
    const { db, client } = await protectedAddon()
    const source = await availableAddon(db, client, 'a'.repeat(63))
    await completeBackup(db, source)
    const { childAddonId } = (
      await client('POST', `/v1/addons/${source.id}/restores`, { target: { latest: true } })
    ).json()
    expect((await client('GET', `/v1/addons/${childAddonId}`)).json().name).toMatch(
      /^a+-restore-[0-9a-z]{6}$/,
    )
  })
})

describe('GET /v1/addons/{addonId}/recovery-window', () => {
  test('tells what the archive holds', async () => {
    const { db, client, addon } = await protectedAddon()
    const gaps = [
      {
        afterSegment: '000000010000000000000004',
        beforeSegment: '000000010000000000000006',
        missingSegments: 1,
        from: '2026-11-23T13:30:00.000000Z',
        to: '2026-11-23T13:40:01.000000Z',
      },
    ]
    await completeBackup(db, addon, '2026-11-23T13:40:00.000000Z', '0/6000028')
    const seen = {
      last_commit_at: '2026-11-23T13:59:00.000001Z',
      lag_seconds: 10,
      observed_at: '2026-11-23T13:59:40.500000Z',
      surveyed_at: '2026-11-23T13:58:00.000000Z',
      stored_bytes: 48_000_000,
    }
    await db
      .updateTable('archive')
      .set({ ...seen, gaps: JSON.stringify(gaps) })
      .where('server_id', '=', addon.server_id)
      .execute()
    const response = await client('GET', `/v1/addons/${addon.id}/recovery-window`)
    expect(response.json()).toEqual({
      earliest: EARLIEST,
      latest: NOW,
      lastCommit: seen.last_commit_at,
      archiveLagSeconds: 30,
      gaps,
      histories: [{ timeline: 1, from: EARLIEST }],
      surveyedAt: seen.surveyed_at,
      storedBytes: seen.stored_bytes,
      observedAt: NOW,
    })
  })
})

describe('POST /v1/restores/{restoreId}/cancel', () => {
  test('202 asks the operation to end now and rings for its current version', async () => {
    const { db, client, restore, rung } = await protectedAddon()
    const { id, childAddonId } = (await restore({ target: { latest: true } })).json()
    const operation = db.updateTable('operation').where('addon_id', '=', childAddonId)
    await operation.set({ version: 7, run_at: '2099-01-01T00:00:00.000000Z' }).execute()

    const response = await client('POST', `/v1/restores/${id}/cancel`)
    expect(response.statusCode).toBe(202)
    expect(response.json()).toMatchObject({ id, status: 'queued' })
    const [row] = await db.selectFrom('operation').selectAll().where('addon_id', '=', childAddonId).execute()
    expect(row).toMatchObject({ cancel_requested: true, version: 7 })
    expect(row?.run_at.startsWith('2099')).toBe(false)
    expect(rung.at(-1)).toEqual({ operationId: row?.id, version: 7 })
  })

  test('409 once the restore has finished, also while its child is being backed up', async () => {
    const { db, client, restore } = await protectedAddon()
    const { id, childAddonId } = (await restore({ target: { latest: true } })).json()
    const finished = { status: 'succeeded', finished_at: NOW } as const
    await db.updateTable('operation').set(finished).where('addon_id', '=', childAddonId).execute()
    await db.updateTable('restore').set(finished).where('id', '=', id).execute()
    await db.updateTable('addon').set({ status: 'available' }).where('id', '=', childAddonId).execute()
    await client('POST', `/v1/addons/${childAddonId}/backups`, {})
    expect(codeOf(await client('POST', `/v1/restores/${id}/cancel`))).toBe('restore-finished')
    const backup = db.selectFrom('operation').selectAll().where('kind', '=', 'backup.take')
    expect(await backup.execute()).toMatchObject([{ cancel_requested: false }])
  })
})
