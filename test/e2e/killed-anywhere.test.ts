import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { workflows } from '../../src/operations/workflows/all.ts'
import * as api from './client/sdk.gen.ts'
import { metadata, serverIdOf } from './support/admin.ts'
import { dieOnceEverywhere } from './support/die-once-everywhere.ts'
import { inventory, processesOf } from './support/inventory.ts'
import { moreWorkers } from './support/more-workers.ts'
import {
  aProtectedAddon,
  aTenant,
  clockOf,
  ok,
  query,
  restoredChild,
  reveal,
  until,
  untilFinished,
  untilProtected,
} from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

let undrop: Undrop
let workers: ReturnType<typeof moreWorkers>
let deaths: string

beforeAll(async () => {
  deaths = await mkdtemp(join(tmpdir(), 'undrop-deaths-'))
  undrop = await startUndrop({ ...dieOnceEverywhere(deaths), UNDROP_LEASE_SECONDS: '2' })
  workers = moreWorkers(undrop, 3)
})
afterAll(async () => {
  await workers.stop()
  await undrop.remove()
  await rm(deaths, { recursive: true })
})

/**
 * All places of the workflows but those of the way back, which nothing here leads to, and of expiry, which takes backups
 * that are days old: the crash matrix has those.
 */
function placesToDieAt(): string[] {
  const told = [...workflows.values()].filter(({ kind }) => kind !== 'archive.expire')
  return told.flatMap(({ kind, steps, onFailure }) =>
    Object.keys(steps)
      // A drill throws its child away whether or not it has failed.
      .filter((step) => step !== onFailure || kind === 'drill.check')
      .flatMap((step) => [`${kind} ${step} entered`, `${kind} ${step} acted`]),
  )
}

type Parent = Awaited<ReturnType<typeof aProtectedAddon>>

/** Drops a table and brings it back at once: what was committed last is not archived yet. */
async function itsRestore({ id, login }: Parent) {
  await query(login.url, 'create table customers as select n from generate_series(1, 5) as n')
  const before = await clockOf(login.url)
  await query(login.url, 'drop table customers')
  const child = await restoredChild(undrop, id, { time: before })
  expect(child.restore.reached).toMatchObject({ exact: true, timeline: 2 })
  expect(await query(child.login.url, 'select count(*)::int from customers')).toEqual([{ count: 5 }])
  await untilProtected(undrop, child.restore.childAddonId)
  return { id: child.restore.childAddonId, login: child.login }
}

/** Makes a restore point, and restores to it. */
async function itsRestorePoint({ id }: { id: string }) {
  const { client } = undrop
  const point = await ok(
    api.createRestorePoint({ client, path: { addonId: id }, body: { name: 'before-upgrade' } }),
  )
  const path = { restorePointId: point.id }
  await until(
    async () => (await ok(api.getRestorePoint({ client, path }))).status === 'archived',
    'the restore point to be archived',
  )
  const restore = await ok(
    api.createRestore({ client, path: { addonId: id }, body: { target: { name: point.name } } }),
  )
  expect(await untilFinished(undrop, restore.id)).toMatchObject({ status: 'succeeded' })
  await untilProtected(undrop, restore.childAddonId)
  const login = await reveal(undrop, restore.childAddonId)
  return { id: restore.childAddonId, login }
}

/** Makes a further credential, and takes it back. */
async function itsCredential({ id: addonId }: { id: string }): Promise<void> {
  const { client } = undrop
  const body = { name: 'reporting', access: 'read-only' } as const
  const { id: credentialId } = await ok(api.createCredential({ client, path: { addonId }, body }))
  const path = { addonId, credentialId }
  const becomes = (status: string) =>
    until(
      async () => (await ok(api.getCredential({ client, path }))).status === status,
      `the credential to be ${status}`,
    )
  await becomes('active')
  await ok(api.deleteCredential({ client, path }))
  await becomes('deleted')
}

async function itsDrill({ id }: { id: string }): Promise<void> {
  const { client } = undrop
  const body = { backupPolicy: { drillProbe: 'select true' } }
  await ok(api.updateAddon({ client, path: { addonId: id }, body }))
  const { id: drillId } = await ok(api.createDrill({ client, path: { addonId: id }, body: {} }))
  const read = () => ok(api.getDrill({ client, path: { drillId } }))
  await until(async () => (await read()).finishedAt !== null, 'the drill to end')
  expect(await read()).toMatchObject({ status: 'succeeded' })
}

/** Deleted with a time of grace, which is over at once. */
async function deleteAndPurge(addonId: string): Promise<void> {
  const body = { backupPolicy: { deletedRetentionDays: 1 } }
  await ok(api.updateAddon({ client: undrop.client, path: { addonId }, body }))
  await deleteAddon(addonId)
  const archive = `server_id = (select server_id from undrop.addon where id = '${addonId}')`
  await metadata(undrop, `update undrop.archive set keep_until = now() where ${archive}`)
  await until(async () => {
    const purged = await metadata(
      undrop,
      `select from undrop.archive where ${archive} and removed_at is not null`,
    )
    return purged.length === 1
  }, `the archive of ${addonId} to be purged`)
}

/** By server. What a postmaster has just forked looks the same for a moment. */
async function postmasters(): Promise<string[]> {
  const commandLines = (await processesOf(undrop)).map(({ commandLine }) => commandLine)
  return commandLines
    .flatMap((line) => /^\S+\/postgres -D \S+\/servers\/(srv_\w+)\//.exec(line)?.[1] ?? [])
    .sort()
}

async function deleteAddon(addonId: string): Promise<void> {
  await ok(api.deleteAddon({ client: undrop.client, path: { addonId } }))
  await until(async () => {
    const rows = await metadata<{ status: string }>(
      undrop,
      `select status from undrop.addon where id = '${addonId}'`,
    )
    return rows[0]?.status === 'deleted'
  }, `${addonId} to be deleted`)
}

/** Skipped when the last segment is in the archive by the time the next worker looks; the crash matrix has it always. */
const ONLY_WHERE_ARCHIVING_TAKES_LONGER = 'addon.delete await-archived'

test('wherever in its workflows the worker is killed, all work ends as it would have, and nothing is there twice', async () => {
  const tenantId = await aTenant(undrop)
  await ok(
    api.updateTenant({ client: undrop.client, path: { tenantId }, body: { maxConcurrentOperations: 20 } }),
  )
  const parents = await Promise.all(
    ['one', 'two', 'three'].map((name) => aProtectedAddon(undrop, tenantId, name)),
  )
  const children = await Promise.all(parents.map(itsRestore))
  const [first, second, third] = parents as [Parent, Parent, Parent]
  const [restoredToPoint] = await Promise.all([itsRestorePoint(second), itsDrill(third)])
  await itsCredential(second)
  await Promise.all([deleteAndPurge(first.id), deleteAddon(children[0]?.id ?? '')])

  const left = [second, third, ...children.slice(1), restoredToPoint]
  const serverIds = (await Promise.all(left.map(({ login }) => serverIdOf(undrop, login)))).sort()
  const untouched = { directories: serverIds, sockets: serverIds, archives: serverIds, ports: serverIds }
  expect(await inventory(undrop)).toMatchObject(untouched)
  await until(async () => (await postmasters()).join() === serverIds.join(), 'one postmaster for each server')

  const isCertain = (place: string) => !place.startsWith(ONLY_WHERE_ARCHIVING_TAKES_LONGER)
  expect((await readdir(deaths)).filter(isCertain).toSorted()).toEqual(
    placesToDieAt().filter(isCertain).toSorted(),
  )
  const outcomes = await metadata(
    undrop,
    'select kind, status, count(*)::int from undrop.operation group by 1, 2 order by 1',
  )
  expect(outcomes).toEqual([
    { kind: 'addon.delete', status: 'succeeded', count: 2 },
    { kind: 'addon.provision', status: 'succeeded', count: 3 },
    { kind: 'archive.purge', status: 'succeeded', count: 1 },
    { kind: 'backup.take', status: 'succeeded', count: 7 },
    { kind: 'credential.apply', status: 'succeeded', count: 2 },
    { kind: 'drill.check', status: 'succeeded', count: 1 },
    { kind: 'drill.verify', status: 'succeeded', count: 1 },
    { kind: 'restore-point.create', status: 'succeeded', count: 1 },
    { kind: 'restore.run', status: 'succeeded', count: 5 },
    { kind: 'server.protect', status: 'succeeded', count: 7 },
  ])
}, 400_000)
