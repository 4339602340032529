import { runAs } from '../../src/lib/os-user.ts'
import { archiverState, isArchived } from '../../src/postgres/anchor.ts'
import { withAdmin } from '../../src/postgres/connect.ts'
import { type Bench, until } from './bench.ts'
import type { LoadedAddon } from './loaded-addon.ts'
import { ownConfigFile, writeSegments } from './source.ts'

const RUN_SECONDS_MAX = 900

/** Seconds in which the server's archiver sends that many segments that have been held back. */
export async function archiveSeconds(bench: Bench, addon: LoadedAddon, segments: number): Promise<number> {
  const waiting = await heldBack(bench, addon, segments)
  const startedAt = performance.now()
  await letGo(addon)
  await untilArchived(addon, waiting)
  return (performance.now() - startedAt) / 1000
}

/** The same by a loop of a shell; what PostgreSQL sends once more afterwards is there already. */
export async function bareArchiveSeconds(
  bench: Bench,
  addon: LoadedAddon,
  segments: number,
): Promise<number> {
  const waiting = await heldBack(bench, addon, segments)
  const paths = bench.host.driver.paths(addon.serverId)
  const config = `--config=${ownConfigFile(bench.host, addon.serverId)}`
  const push = ['pgbackrest', config, `--stanza=${addon.serverId}`, 'archive-push'] as const
  const script =
    'cd "$1" && shift && segments="$1" && shift && for each in $segments; do "$@" "$PWD/$each" || exit; done'
  const startedAt = performance.now()
  const wal = `${paths.dataDirectory}/pg_wal`
  const { exitCode, stdout, stderr } = await runAs(
    bench.osUser,
    ['sh', '-c', script, 'sh', wal, waiting.join(' '), ...push],
    { timeoutSeconds: RUN_SECONDS_MAX },
  )
  if (exitCode !== 0) throw new Error(`archive-push: ${stdout}${stderr}`)
  const seconds = (performance.now() - startedAt) / 1000
  await letGo(addon)
  await untilArchived(addon, waiting)
  return seconds
}

/** Writes WAL that stays in `pg_wal` for now. Returns the names of the first whole segments that wait. */
async function heldBack(bench: Bench, addon: LoadedAddon, segments: number): Promise<string[]> {
  await withAdmin(addon.admin, async (client) => {
    await client.query(`alter system set archive_command = ''`)
    await client.query('select pg_reload_conf()')
  })
  const waiting = () =>
    withAdmin(addon.admin, async (client) => {
      const { rows } = await client.query<{ name: string }>(
        `select left(name, 24) as name from pg_ls_archive_statusdir()
          where name ~ '^[0-9A-F]{24}\\.ready$' order by name`,
      )
      return rows.map(({ name }) => name)
    })
  while ((await waiting()).length < segments) await writeSegments(bench, addon.login, 1)
  return (await waiting()).slice(0, segments)
}

const letGo = ({ admin }: LoadedAddon) =>
  withAdmin(admin, async (client) => {
    await client.query('alter system reset archive_command')
    await client.query('select pg_reload_conf()')
  })

async function untilArchived({ admin }: LoadedAddon, segments: readonly string[]): Promise<void> {
  const last = segments.at(-1) ?? ''
  await withAdmin(admin, (client) =>
    until(`${last} is archived`, async () => isArchived(await archiverState(client), last)),
  )
}
