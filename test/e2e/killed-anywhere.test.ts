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
  until,
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

/** All places of the workflows but those of the way back, which nothing here leads to. */
function placesToDieAt(): string[] {
  return [...workflows.values()].flatMap(({ kind, steps, onFailure }) =>
    Object.keys(steps)
      .filter((step) => step !== onFailure)
      .flatMap((step) => [`${kind} ${step} entered`, `${kind} ${step} acted`]),
  )
}

async function aDroppedTable(tenantId: string, name: string) {
  const parent = await aProtectedAddon(undrop, tenantId, name)
  await query(parent.login.url, 'create table customers as select n from generate_series(1, 5) as n')
  const before = await clockOf(parent.login.url)
  await query(parent.login.url, 'drop table customers')
  return { ...parent, before }
}

async function itsRestore({ id, before }: Awaited<ReturnType<typeof aDroppedTable>>) {
  const child = await restoredChild(undrop, id, { time: before })
  expect(child.restore.reached).toMatchObject({ exact: true, timeline: 2 })
  expect(await query(child.login.url, 'select count(*)::int from customers')).toEqual([{ count: 5 }])
  await untilProtected(undrop, child.restore.childAddonId)
  return { id: child.restore.childAddonId, login: child.login }
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

test('wherever in its workflows the worker is killed, all work ends as it would have, and nothing is there twice', async () => {
  const tenantId = await aTenant(undrop)
  await ok(
    api.updateTenant({ client: undrop.client, path: { tenantId }, body: { maxConcurrentOperations: 20 } }),
  )
  const parents = await Promise.all(['one', 'two', 'three'].map((name) => aDroppedTable(tenantId, name)))
  const children = await Promise.all(parents.map(itsRestore))
  const [first, ...others] = [...parents, ...children]
  await Promise.all([first, children[0]].map((addon) => deleteAddon(addon?.id ?? '')))

  const left = others.filter((addon) => addon !== children[0])
  const serverIds = (await Promise.all(left.map(({ login }) => serverIdOf(undrop, login)))).sort()
  const untouched = { directories: serverIds, sockets: serverIds, archives: serverIds, ports: serverIds }
  expect(await inventory(undrop)).toMatchObject(untouched)
  await until(async () => (await postmasters()).join() === serverIds.join(), 'one postmaster for each server')

  expect((await readdir(deaths)).toSorted()).toEqual(placesToDieAt().toSorted())
  const outcomes = await metadata(
    undrop,
    'select kind, status, count(*)::int from undrop.operation group by 1, 2 order by 1',
  )
  expect(outcomes).toEqual([
    { kind: 'addon.delete', status: 'succeeded', count: 2 },
    { kind: 'addon.provision', status: 'succeeded', count: 3 },
    { kind: 'backup.take', status: 'succeeded', count: 6 },
    { kind: 'restore.run', status: 'succeeded', count: 3 },
    { kind: 'server.protect', status: 'succeeded', count: 6 },
  ])
}, 240_000)
