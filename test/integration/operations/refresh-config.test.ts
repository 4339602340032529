import { expect, test, vi } from 'vitest'
import { getServer } from '../../../src/db/servers.ts'
import { saveStorageKeys } from '../../../src/db/tenants.ts'
import { refreshConfig } from '../../../src/operations/refresh-config.ts'
import type { WorkDeps } from '../../../src/operations/server-work.ts'
import { sealStorageKeys } from '../../../src/secrets/storage-keys.ts'
import { createAddon } from '../../../src/services/create-addon.ts'
import { fakeEngine } from '../../support/fake/engine.ts'
import { newLife } from '../../support/fake/life.ts'
import { serverOf } from '../../support/fake/world.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { caller, fakeWorkDeps, newStage, type Stage, workToEnd } from './stage.ts'

const { fakeSql } = vi.hoisted(() => ({ fakeSql: () => import('../../support/fake/postgres-sql.ts') }))
vi.mock('../../../src/postgres/connect.ts', fakeSql)
vi.mock('../../../src/postgres/admission.ts', fakeSql)
vi.mock('../../../src/postgres/cluster-size.ts', fakeSql)
vi.mock('../../../src/postgres/roles.ts', fakeSql)

const AFTER_A_WHILE = 600_000

/** A server that archives, and a process whose configurations tell by which key. */
async function anArchivingServer() {
  const stage = await newStage((await freshMetadata()).db)
  await createAddon(stage.services, caller, { tenantId: stage.tenantId, name: 'shop' })
  await workToEnd(stage)
  const server = stage.db.selectFrom('server').select('id').where('tenant_id', '=', stage.tenantId)
  const { id } = await server.executeTakeFirstOrThrow()
  return { stage, id, process: aProcess(stage) }
}

function aProcess(stage: Stage): WorkDeps {
  const deps = fakeWorkDeps(stage, newLife())
  return {
    ...deps,
    engine: {
      ...fakeEngine,
      configFiles: (which, _server, { repository }) => ({ [`${which}.conf`]: repository.path }),
    },
    archives: {
      ...deps.archives,
      repositoryOf: (_archive, _access, keys) => ({
        type: 'posix',
        path: keys?.readWrite.accessKeyId ?? 'the key of Undrop',
      }),
    },
  }
}

const setKey = ({ db, keyRing, tenantId }: Stage, accessKeyId: string | null) =>
  db.transaction().execute((tx) => {
    const keys = accessKeyId === null ? null : { accessKeyId, secretAccessKey: 'secret-of-it' }
    const sealed = keys && sealStorageKeys(keyRing, tenantId, { readWrite: keys, readOnly: null })
    return saveStorageKeys(tx, tenantId, sealed)
  })

async function refresh({ stage, id }: { stage: Stage; id: string }, process: WorkDeps, now: number) {
  await refreshConfig(process, await getServer(stage.db, stage.tenantId, id), now)
  return serverOf(stage.world, id).config['own.conf']
}

test('a configuration is written when what it follows from has changed, and only then', async () => {
  const { process, ...server } = await anArchivingServer()
  const { config } = serverOf(server.stage.world, server.id)
  expect(await refresh(server, process, 0)).toBe('the key of Undrop')
  config['own.conf'] = 'untouched'
  expect(await refresh(server, process, 1)).toBe('untouched')
  await setKey(server.stage, 'one')
  expect(await refresh(server, process, 2)).toBe('one')
  await setKey(server.stage, 'two')
  expect(await refresh(server, process, 3)).toBe('two')
  await setKey(server.stage, null)
  expect(await refresh(server, process, 4)).toBe('the key of Undrop')
})

test('what another process has written last is not kept for ever', async () => {
  const { process, ...server } = await anArchivingServer()
  const other = aProcess(server.stage)
  expect(await refresh(server, process, 0)).toBe('the key of Undrop')
  await setKey(server.stage, 'one')
  expect(await refresh(server, other, 1)).toBe('one')
  await setKey(server.stage, null)
  expect(await refresh(server, process, AFTER_A_WHILE)).toBe('the key of Undrop')
})

test('a server whose files are gone, or that has no archive yet, is left alone', async () => {
  const { process, ...server } = await anArchivingServer()
  const { db, world } = server.stage
  serverOf(world, server.id).config['own.conf'] = 'untouched'
  await db.updateTable('archive').set({ archiving_since: null }).execute()
  expect(await refresh(server, process, 0)).toBe('untouched')
  world.servers.clear()
  await refreshConfig(process, await getServer(db, server.stage.tenantId, server.id), 0)
  expect(world.servers.size).toBe(0)
})

test('neither keys nor passphrases are kept in memory for comparing', async () => {
  const { process, ...server } = await anArchivingServer()
  await setKey(server.stage, 'one')
  await refresh(server, process, 0)
  expect([...process.writtenConfigs.values()]).toEqual([
    { digest: expect.stringMatching(/^[\w-]{43}$/), at: 0 },
  ])
})
