import { type Selectable, sql } from 'kysely'
import type { Metadata } from '../../../src/db/schema.ts'
import { eventData } from '../../../src/domain/events.ts'
import type { FakeServer } from '../../support/fake/world.ts'
import type { Stage } from './stage.ts'

/** What is told while work goes on may be told again, or not at all when a cancellation is seen earlier. */
const ON_THE_WAY = /\.(running|phase|progress)$/

/** Everything that work has left behind in the metadata and in the world, without what is different in every run. */
export async function tracesOf({ db, tenantId, world }: Stage) {
  const rowsOf = <
    Table extends
      | 'addon'
      | 'server'
      | 'archive'
      | 'backup'
      | 'restore'
      | 'restore_point'
      | 'drill'
      | 'credential'
      | 'old_login'
      | 'operation'
      | 'outbox_event',
  >(
    table: Table,
  ) =>
    sql<
      Selectable<Metadata[Table]>
    >`select * from ${sql.table(table)} where tenant_id = ${tenantId} order by 1`.execute(db)
  const { rows: addons } = await rowsOf('addon')
  const servers = new Map((await rowsOf('server')).rows.map((row) => [row.id, row]))
  const archives = new Map((await rowsOf('archive')).rows.map((row) => [row.server_id, row]))
  const { rows: backups } = await rowsOf('backup')
  const { rows: restores } = await rowsOf('restore')
  const { rows: points } = await rowsOf('restore_point')
  const { rows: drills } = await rowsOf('drill')
  const { rows: credentials } = await rowsOf('credential')
  const { rows: oldLogins } = await rowsOf('old_login')
  const { rows: operations } = await rowsOf('operation')
  const { rows: events } = await rowsOf('outbox_event')

  for (const { type, payload } of events) assertInCatalogue(type, payload)
  return {
    addons: addons.map((addon) => {
      const server = servers.get(addon.server_id)
      const there = world.servers.get(addon.server_id)
      const archive = world.archives.get(addon.server_id)
      return {
        name: addon.purpose === 'drill' ? 'drill' : addon.name,
        status: addon.status,
        protection: addon.protection,
        failure: addon.failure?.code,
        server: {
          desiredState: server?.desired_state,
          isDeleted: server?.deleted_at !== null,
          hasPort: server?.port !== null,
          listensOnIt: there?.port === server?.port,
          settings: server?.settings,
          directory: there === undefined ? null : contentOf(there, addon.username),
        },
        archive: {
          isRemoved: archives.get(addon.server_id)?.removed_at !== null,
          isKept: archives.get(addon.server_id)?.keep_until !== null,
          holdsACommit: archives.get(addon.server_id)?.last_commit_at !== null,
          stanza: archive?.hasStanza,
          hasNextBackup: archives.get(addon.server_id)?.next_backup_at !== null,
          backups: archive?.backups.map(({ info }) => info.label),
        },
        backups: backups
          .filter((backup) => backup.server_id === addon.server_id)
          .map(({ status, label, failure, expired_at: expiredAt, damaged_at: damagedAt }) => ({
            ...{ status, label, failure: failure?.code },
            isExpired: expiredAt !== null,
            isDamaged: damagedAt !== null,
          })),
      }
    }),
    restores: restores.map(
      ({ status, phase, reached, failure, secured_roles: roles, backup_id: backupId }) => ({
        from: backups.find(({ id }) => id === backupId)?.label,
        ...{ status, phase, reached, failure: failure?.code },
        securedRoles: roles?.map(({ action }) => action),
      }),
    ),
    points: points.map(({ name, status, lsn, failure }) => ({ name, status, lsn, failure: failure?.code })),
    drills: drills.map((drill) => ({
      ...{ status: drill.status, reached: drill.reached, failure: drill.failure?.code },
      ...{ rpoSeconds: drill.rpo_seconds, wasRestored: drill.rto_seconds !== null },
      backup: backups.find(({ id }) => id === drill.backup_id)?.label,
      checks: drill.checks.map(({ name, passed, detail }) => ({ name, passed, detail })),
    })),
    credentials: credentials.map(({ id, addon_id: addonId, name, access, status, username, ...row }) => {
      const addon = addons.find((each) => each.id === addonId)
      const there = world.servers.get(addon?.server_id ?? '')?.data?.roles
      return {
        ...{ of: addon?.name, name, access, status, role: there?.[username ?? addon?.username ?? ''] },
        ...{ isSealed: row.password_sealed !== null, hasNext: row.next_username !== null },
        old: oldLogins
          .filter((login) => login.credential_id === id)
          .map((login) => ({ role: there?.[login.username], isDropped: login.dropped_at !== null })),
      }
    }),
    operations: operations.map(({ kind, status, failure }) => ({ kind, status, failure: failure?.code })),
    events: events.map(({ type }) => type).filter((type) => !ON_THE_WAY.test(type)),
    // What no row names would be left for ever.
    directories: world.servers.size,
    archives: world.archives.size,
  }
}

/** Every event that work records is what clients are told there is. */
function assertInCatalogue(type: string, payload: unknown): void {
  const shape = eventData[type as keyof typeof eventData]
  shape.strict().parse(payload)
}

function contentOf({ config, data, tasks, tasksStarted }: FakeServer, owner: string) {
  const conf = config['postgresql.conf'] ?? ''
  return {
    configFiles: Object.keys(config).sort(),
    admitsClients: config['pg_hba.conf']?.includes('scram-sha-256'),
    archives: /^archive_command = 'push/m.test(conf),
    recoverySettings: conf.includes('restore_command'),
    data: data && {
      ...data,
      roles: data.roles[owner] === 'owner' ? Object.values(data.roles) : 'not the owner',
    },
    tasks: tasks.size,
    // One that failed before a crash, unnoticed, is started once more.
    tasksStarted: [...new Set(tasksStarted)],
  }
}
