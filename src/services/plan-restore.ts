import type { AddonWithPort } from '../db/addons.ts'
import { recordAudit } from '../db/audit.ts'
import { hasDamagedBackup } from '../db/backups.ts'
import { readMeasured } from '../db/measured.ts'
import { Problem } from '../domain/problem.ts'
import { assertRestorable, type RecoveryWindow, targetInGap } from '../domain/recovery-window.ts'
import type { RestoreTarget } from '../domain/restore.ts'
import { diskBytesFor, estimateRestore, type RestoreEstimate } from '../domain/restore-plan.ts'
import { type Caller, scopeOf } from './caller.ts'
import { locateTarget } from './locate-target.ts'
import { recoveryWindowOf } from './read-recovery-window.ts'
import { requireRestorableAddon } from './require-restorable-addon.ts'
import type { ServiceDeps } from './service-deps.ts'
import { walAheadOf } from './wal-ahead.ts'

export interface PlanInput {
  target: RestoreTarget
  exclusive?: boolean | undefined
}

type WarningCode =
  | 'archiving-stalled'
  | 'gap-elsewhere'
  | 'backup-damaged'
  | 'rates-assumed'
  | 'disk-nearly-full'

interface Warning {
  code: WarningCode
  detail: string
}

/** A plan is nothing without the archive, and is worth waiting for. */
const LOOK_SECONDS_MAX = 15

/**
 * What a restore to the target would take, by the archive as it is now. Changes nothing, and refuses what the restore
 * would refuse.
 * @throws Problem `addon-not-found`, `archive-purged`, `addon-not-available`, `not-protected-yet`, `target-before-window`,
 * `target-in-future`, `target-in-gap`, `target-not-found`, `archive-unreachable`
 */
export async function planRestore(deps: ServiceDeps, caller: Caller, addonId: string, input: PlanInput) {
  const { db, archives } = deps
  const now = deps.now()
  const addon = await requireRestorableAddon(db, scopeOf(caller), addonId, now)
  const window = await recoveryWindowOf(db, addon, now)
  // Where gaps are is seen in the archive itself, not in what was last known of it.
  assertRestorable(input.target, { ...window, gaps: [] }, now)
  const place = await locateTarget(db, addon, input.target)
  const ahead = await walAheadOf(db, archives, addon, place, LOOK_SECONDS_MAX)
  if (ahead === null) {
    const { earliest, latest } = window
    throw new Problem('target-before-window', { extensions: { earliest, latest } })
  }
  if (ahead.gap !== null) throw targetInGap(ahead.gap, window)

  const measured = await readMeasured(db)
  const sizeBytes = ahead.base.sizeBytes ?? 0
  const estimate = estimateRestore(sizeBytes, ahead.segments, measured)
  const diskBytes = diskBytesFor(sizeBytes, ahead.segments)
  const { id, type, label, stoppedAt } = ahead.base
  const damaged = await hasDamagedBackup(db, addon.tenant_id, addon.server_id)
  const warnings = warningsOf(addon, window, estimate, damaged, diskBytes, measured.disk_free_bytes)
  const { tenant_id: tenantId } = addon
  const detail = { target: input.target }
  await recordAudit(db, {
    actor: caller.actor,
    tenantId,
    action: 'restore.plan',
    resourceId: addonId,
    detail,
  })
  return {
    target: input.target,
    exclusive: input.exclusive ?? false,
    backup: { id, type, label, stoppedAt, sizeBytes: ahead.base.sizeBytes },
    walSegments: ahead.segments,
    walBytes: ahead.bytes,
    ...estimate,
    diskBytes,
    warnings,
  }
}

/** Less room than this many times what is needed is worth a word. */
const AMPLE = 1.5

function warningsOf(
  { protection }: AddonWithPort,
  { gaps }: RecoveryWindow,
  { basis }: RestoreEstimate,
  damaged: boolean,
  diskBytes: number,
  diskFreeBytes: number | undefined,
): Warning[] {
  const diskIsShort = diskFreeBytes !== undefined && diskFreeBytes < diskBytes * AMPLE
  const found: [boolean, WarningCode, string][] = [
    [
      protection === 'stalled',
      'archiving-stalled',
      'What is committed now may not be in the archive until archiving goes on.',
    ],
    [gaps.length > 0, 'gap-elsewhere', 'WAL is missing from the archive, but not where this restore reads.'],
    [damaged, 'backup-damaged', 'A base backup of this archive is damaged, and is not used.'],
    [
      basis === 'assumed',
      'rates-assumed',
      'Too little has been restored on this host yet to know how fast it is.',
    ],
    [
      diskIsShort,
      'disk-nearly-full',
      'The disk had little more space, or less, than the restore takes when it was last looked at.',
    ],
  ]
  return found.flatMap(([applies, code, detail]) => (applies ? [{ code, detail }] : []))
}
