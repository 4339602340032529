import type { Fleet } from '../services/read-fleet.ts'
import type { Metric } from '../telemetry/metrics.ts'
import { webhookMetrics } from './webhook-metrics.ts'

/** What of the fleet is exposed; docs/operations/metrics.md says which guarantee each watches. */
export function fleetMetrics(fleet: Fleet): Metric[] {
  return [
    ...protectionMetrics(fleet),
    ...archiveMetrics(fleet),
    ...workMetrics(fleet),
    certificateMetric(fleet),
    ...webhookMetrics(fleet),
  ]
}

const one = (value: number) => [{ value }]

function protectionMetrics({ addons, stalled, drills }: Fleet): Metric[] {
  return [
    {
      name: 'undrop_addons',
      help: 'Add-ons that are not deleted',
      values: addons.map(({ status, protection, count }) => ({
        labels: { status, protection },
        value: count,
      })),
    },
    {
      name: 'undrop_addons_stalled',
      help: 'Add-ons whose protection is stalled, by the worst reason',
      values: stalled.map(({ code, count }) => ({ labels: { reason: code }, value: count })),
    },
    {
      name: 'undrop_drill_age_seconds',
      help: 'Age of the oldest last successful drill, of add-ons that have one',
      values: drills.oldestSuccessSeconds === null ? [] : one(drills.oldestSuccessSeconds),
    },
    {
      name: 'undrop_drills_failed',
      help: 'Add-ons whose last drill has failed',
      values: one(drills.failed),
    },
  ]
}

function archiveMetrics({ archives }: Fleet): Metric[] {
  const metric = (name: string, help: string, value: number): Metric => ({ name, help, values: one(value) })
  return [
    metric(
      'undrop_archive_lag_seconds',
      'Age of the oldest WAL that waits to be archived',
      archives.lagSeconds,
    ),
    metric('undrop_archives_lagging', 'Archives whose WAL has waited for too long', archives.lagging),
    metric(
      'undrop_archive_unwatched_seconds',
      'Since the longest ago that a worker looked after a protected server',
      archives.unwatchedSeconds,
    ),
    metric(
      'undrop_backup_age_seconds',
      'Age of the oldest last complete base backup',
      archives.backupAgeSeconds,
    ),
    metric(
      'undrop_backups_overdue',
      'Add-ons whose next base backup is long overdue',
      archives.backupsOverdue,
    ),
    metric('undrop_archives_with_gaps', 'Archives that miss WAL', archives.gaps),
    metric('undrop_archive_stored_bytes', 'What all archives take, as last surveyed', archives.storedBytes),
    metric('undrop_archives_kept', 'Archives of deleted add-ons that can still be restored', archives.kept),
  ]
}

/** Time has gone by since a worker has looked. */
function certificateMetric({ observations }: Fleet): Metric {
  const expiry = (of: 'server' | 'authority', name: Fleet['observations'][number]['name']) =>
    observations
      .filter((one) => one.name === name)
      .map(({ value, ageSeconds }) => ({ labels: { of }, value: value - ageSeconds }))
  return {
    name: 'undrop_certificate_expires_seconds',
    help: 'To the end of the certificate of a server that ends first, and of the authority that signs',
    values: [
      ...expiry('server', 'certificate_expires_seconds'),
      ...expiry('authority', 'authority_expires_seconds'),
    ],
  }
}

/** What no worker has seen yet is left out, not 0. */
function workMetrics({ operationsOpen, operationsOverdue, observations }: Fleet): Metric[] {
  const observed = (name: string) =>
    observations.filter((one) => one.name === name).map(({ value }) => ({ value }))
  return [
    {
      name: 'undrop_operations_open',
      help: 'Operations that are not finished',
      values: operationsOpen.map(({ kind, count }) => ({ labels: { kind }, value: count })),
    },
    {
      name: 'undrop_operations_overdue',
      help: 'Operations whose time has come and that no worker is at',
      values: one(operationsOverdue),
    },
    {
      name: 'undrop_store_reachable',
      help: '1 while the object store or repository can be used',
      values: observed('store_reachable'),
    },
    {
      name: 'undrop_archives_unowned',
      help: 'Stored archives that no row knows',
      values: observed('archives_unowned'),
    },
    {
      name: 'undrop_observation_age_seconds',
      help: 'Since a worker has last looked',
      values: observations.map(({ name, ageSeconds }) => ({ labels: { of: name }, value: ageSeconds })),
    },
  ]
}
