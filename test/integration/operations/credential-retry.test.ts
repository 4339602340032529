import { beforeAll, expect, test, vi } from 'vitest'
import { rotateOwnerCredential } from '../../../src/services/rotate-credential.ts'
import { type FreshMetadata, freshMetadata } from '../../support/metadata-database.ts'
import { addonOf, aProtectedAddon } from './scenario.ts'
import { caller, newStage, workToEnd } from './stage.ts'

const { fakeSql } = vi.hoisted(() => ({ fakeSql: () => import('../../support/fake/postgres-sql.ts') }))
vi.mock('../../../src/postgres/connect.ts', fakeSql)
vi.mock('../../../src/postgres/admission.ts', fakeSql)
vi.mock('../../../src/postgres/anchor.ts', fakeSql)
vi.mock('../../../src/postgres/cluster-size.ts', fakeSql)
vi.mock('../../../src/postgres/roles.ts', fakeSql)
vi.mock('../../../src/postgres/logins.ts', fakeSql)

let metadata: FreshMetadata
beforeAll(async () => {
  metadata = await freshMetadata()
  return metadata.drop
})

test('a rotation waits for a server that is down, and when it is given up the sweeper begins it again', async () => {
  const stage = await newStage(metadata.db)
  const { db, world } = stage
  await aProtectedAddon(stage)
  const { id, username } = await addonOf(stage)
  const credential = () =>
    db.selectFrom('credential').selectAll().where('addon_id', '=', id).executeTakeFirstOrThrow()
  const operations = () =>
    db.selectFrom('operation').selectAll().where('kind', '=', 'credential.apply').orderBy('id').execute()

  world.failing.add('postgres')
  await rotateOwnerCredential(stage.services, caller, id, { overlapSeconds: 0 })
  await expect(workToEnd(stage)).rejects.toThrow('the work does not end')
  expect(await operations()).toMatchObject([{ step: 'apply', finished_at: null, failure: null }])

  const over = { deadline_at: '2026-01-01T00:00:00.000000Z' }
  await db.updateTable('operation').set(over).where('kind', '=', 'credential.apply').execute()
  await workToEnd(stage)
  expect(await operations()).toMatchObject([{ status: 'failed', failure: { code: 'deadline-exceeded' } }])
  expect(await credential()).toMatchObject({ status: 'rotating', retry_at: expect.any(String) })
  expect((await addonOf(stage)).username).toBe(username)

  world.failing.clear()
  await db.updateTable('credential').set({ retry_at: null }).execute()
  await workToEnd(stage)
  expect(await operations()).toMatchObject([{ status: 'failed' }, { status: 'succeeded' }])
  expect(await credential()).toMatchObject({ status: 'active', next_username: null })
  expect((await addonOf(stage)).username).not.toBe(username)
})
