import { rename } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as api from './client/sdk.gen.ts'
import { asAdmin } from './support/admin.ts'
import { type ServerFiles, serverBehind } from './support/server-files.ts'
import { archivedSegments } from './support/stored-files.ts'
import { aProtectedAddon, aTenant, ok, until } from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

/** The reconciler looks every 10 s; PostgreSQL by itself would wait for a minute. */
const RECOVERED_SECONDS_MAX = 20

let undrop: Undrop
let addon: Awaited<ReturnType<typeof aProtectedAddon>>
let server: ServerFiles
let archiveDirectory: string

beforeAll(async () => {
  undrop = await startUndrop()
  const tenantId = await aTenant(undrop)
  addon = await aProtectedAddon(undrop, tenantId)
  server = await serverBehind(undrop, tenantId, addon.login.url)
  archiveDirectory = undrop.archives.repositoryOf(server, 'write', null).path
})
afterAll(() => undrop.remove())

const archiver = async () => {
  const [row] = await asAdmin<{ failed: number }>(
    undrop,
    server,
    'select failed_count::int as failed from pg_stat_archiver',
  )
  return row?.failed ?? 0
}

/** The archiver tries three times, and rests then. Returns the segment that waits. */
async function outage(): Promise<string> {
  await rename(archiveDirectory, `${archiveDirectory}-away`)
  const before = await archiver()
  // At the very beginning of a segment there would be nothing to end.
  await asAdmin(undrop, server, `select pg_logical_emit_message(true, 'test', 'something')`)
  const [row] = await asAdmin<{ segment: string }>(
    undrop,
    server,
    'select pg_walfile_name(pg_switch_wal() - 1) as segment',
  )
  await until(async () => (await archiver()) >= before + 3, 'the archiver to give up')
  return row?.segment ?? ''
}

test('archiving goes on within seconds after an outage, and nothing is lost', async () => {
  const segment = await outage()
  await rename(`${archiveDirectory}-away`, archiveDirectory)
  const startedAt = performance.now()
  // Another segment would wake the archiver, too.
  await until(async () => (await archivedSegments(server)).includes(segment), 'the segment to be archived')
  expect((performance.now() - startedAt) / 1000).toBeLessThan(RECOVERED_SECONDS_MAX)
})

test('an add-on whose archiving only fails is stalled, says why, and recovers by itself', async () => {
  const read = () => ok(api.getAddon({ client: undrop.client, path: { addonId: addon.id } }))
  await outage()
  await until(async () => (await read()).protection === 'stalled', 'the add-on to be stalled')
  expect((await read()).stalled).toMatchObject({ code: 'archiving-failing', since: expect.any(String) })
  await rename(`${archiveDirectory}-away`, archiveDirectory)
  await until(async () => (await read()).protection === 'protected', 'the add-on to be protected')
  expect((await read()).stalled).toBeNull()
  const metrics = await (await fetch(`${undrop.url}/metrics`)).text()
  expect(metrics).toContain('undrop_store_reachable 1')
})
