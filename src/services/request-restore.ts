import { type AddonWithPort, lockAddonEverKnown, readServer } from '../db/addons.ts'
import { recordAudit } from '../db/audit.ts'
import type { Tx } from '../db/client.ts'
import { insertRestore } from '../db/restores.ts'
import { transact } from '../db/transact.ts'
import { newId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { assertRestorable, targetInGap, type WalGap } from '../domain/recovery-window.ts'
import type { RestoreTarget } from '../domain/restore.ts'
import { recordEvent } from '../notify/outbox.ts'
import { openOperation } from '../operations/open.ts'
import { allocateAddon } from './allocate-addon.ts'
import { assertWithinQuotas } from './assert-within-quotas.ts'
import { type Caller, scopeOf } from './caller.ts'
import { copyCredentials } from './copy-credentials.ts'
import { locateTarget } from './locate-target.ts'
import { recoveryWindowOf } from './read-recovery-window.ts'
import { requireRestorableAddon } from './require-restorable-addon.ts'
import { restoreView } from './restore-view.ts'
import { ringDoorbell } from './ring-doorbell.ts'
import type { ServiceDeps } from './service-deps.ts'
import { walAheadOf } from './wal-ahead.ts'

export interface RestoreInput {
  target: RestoreTarget
  /** Leave out what is exactly at the target. */
  exclusive?: boolean | undefined
  /** Of the child add-on. */
  name?: string | undefined
}

/** The work itself waits for the store: whoever asks for it does not. */
const LOOK_SECONDS_MAX = 5

/**
 * Records a restore into a new add-on; the work is done by the `restore.run` workflow. The source stays as it is; it
 * may be deleted while its archive is kept.
 * @throws Problem `addon-not-found`, `archive-purged`, `addon-not-available`, `not-protected-yet`, `target-before-window`,
 * `target-in-future`, `target-in-gap`, `target-not-found`, `addon-name-taken`, `quota-exceeded`, `restore-rate-exceeded`
 */
export async function requestRestore(
  deps: ServiceDeps,
  caller: Caller,
  addonId: string,
  input: RestoreInput,
) {
  const seen = await lookAhead(deps, caller, addonId, input.target)
  const { row, wakeUp } = await transact(deps.db, async (tx) => {
    const now = deps.now()
    const source = await requireRestorableAddon(tx, scopeOf(caller), addonId, now, lockAddonEverKnown)
    const window = await recoveryWindowOf(tx, source, now)
    assertRestorable(input.target, seen === null ? window : { ...window, gaps: [] }, now)
    if (seen?.gap != null) throw targetInGap(seen.gap, window)
    return record(tx, deps, caller, source, input)
  })
  ringDoorbell(deps, wakeUp)
  return restoreView(row)
}

/**
 * Looks for WAL that is missing on the way to the target, in the archive as it is now. Null when the store does not
 * answer: then what was last known has to do, and the work waits for the store.
 */
async function lookAhead(
  { db, archives, logger, now }: ServiceDeps,
  caller: Caller,
  addonId: string,
  target: RestoreTarget,
): Promise<{ gap: WalGap | null } | null> {
  const source = await requireRestorableAddon(db, scopeOf(caller), addonId, now())
  const place = await locateTarget(db, source, target)
  try {
    return (await walAheadOf(db, archives, source, place, LOOK_SECONDS_MAX)) ?? { gap: null }
  } catch (err) {
    if (!(err instanceof Problem && err.code === 'archive-unreachable')) throw err
    logger.warn({ err }, 'a restore is recorded without a look at its archive')
    return null
  }
}

async function record(
  tx: Tx,
  deps: ServiceDeps,
  { actor }: Caller,
  source: AddonWithPort,
  input: RestoreInput,
) {
  const id = newId('restore')
  const { tenant_id: tenantId, id: addonId } = source
  await assertWithinQuotas(tx, deps, tenantId, 'restore')
  const child = await allocateChild(tx, deps, source, id, input.name)
  await copyCredentials(tx, deps.keyRing, source, child)
  const row = await insertRestore(tx, {
    id,
    tenant_id: tenantId,
    addon_id: addonId,
    source_server_id: source.server_id,
    child_addon_id: child.id,
    child_server_id: child.server_id,
    target: JSON.stringify(input.target),
    exclusive: input.exclusive ?? false,
    status: 'queued',
  })
  const memo = { restoreId: id }
  const work = { tenantId, kind: 'restore.run', serverId: child.server_id, addonId: child.id, memo } as const
  const wakeUp = await openOperation(tx, work)
  const facts = { addonId, childAddonId: child.id, target: input.target }
  const restoredFrom = { addonId, restoreId: id }
  const born = { addonId: child.id, name: child.name, restoredFrom }
  await recordEvent(tx, { tenantId, type: 'addon.created', payload: born })
  await recordEvent(tx, { tenantId, type: 'restore.queued', payload: { restoreId: id, ...facts } })
  const audit = { action: 'restore.create', resourceId: id, detail: facts, after: restoreView(row) }
  await recordAudit(tx, { actor, tenantId, ...audit })
  return { row, wakeUp }
}

async function allocateChild(
  tx: Tx,
  deps: ServiceDeps,
  source: AddonWithPort,
  restoreId: string,
  name?: string,
) {
  const { settings } = await readServer(tx, source.tenant_id, source.server_id)
  return allocateAddon(tx, deps.keyRing, newId('addon'), {
    tenantId: source.tenant_id,
    name: name ?? childName(source.name, restoreId),
    status: 'restoring',
    postgresVersion: source.postgres_version,
    databaseName: source.database_name,
    labels: source.labels,
    backupPolicy: source.backup_policy,
    deletionProtection: false,
    restoredFrom: { addonId: source.id, restoreId },
    settings,
  })
}

const NAME_LENGTH_MAX = 63

/** The end of an id is its random part. */
function childName(sourceName: string, restoreId: string): string {
  const suffix = `-restore-${restoreId.slice(-6)}`
  return sourceName.slice(0, NAME_LENGTH_MAX - suffix.length) + suffix
}
