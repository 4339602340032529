import { type AddonWithPort, readArchive } from '../db/addons.ts'
import { completeBackups } from '../db/backups.ts'
import type { Executor } from '../db/client.ts'
import type { Moment } from '../domain/moment.ts'
import { type RecoveryWindow, recoveryWindow } from '../domain/recovery-window.ts'
import { archiveFollows } from '../domain/stalls.ts'
import { reviseGaps } from '../domain/wal-gaps.ts'
import { type Caller, scopeOf } from './caller.ts'
import { plannedBases } from './planned-bases.ts'
import { requireAddonWithArchive } from './require-restorable-addon.ts'
import type { ServiceDeps } from './service-deps.ts'

/** Also that of a deleted add-on, while its archive is kept. */
export async function readRecoveryWindow(
  { db, now }: Pick<ServiceDeps, 'db' | 'now'>,
  caller: Caller,
  addonId: string,
) {
  const at = now()
  const addon = await requireAddonWithArchive(db, scopeOf(caller), addonId, at)
  const archive = await readArchive(db, addon.tenant_id, addon.server_id)
  const { surveyed_at: surveyedAt, stored_bytes: storedBytes } = archive
  return { ...(await recoveryWindowOf(db, addon, at)), surveyedAt, storedBytes }
}

/** The window of an add-on's current server. */
export async function recoveryWindowOf(
  ex: Executor,
  addon: AddonWithPort,
  now: Moment,
): Promise<RecoveryWindow> {
  const archive = await readArchive(ex, addon.tenant_id, addon.server_id)
  const backups = await completeBackups(ex, addon.tenant_id, addon.server_id)
  const facts = {
    status: addon.status,
    // Not every stall keeps commits from the archive.
    protection: archiveFollows(archive.stalls) ? ('protected' as const) : addon.protection,
    backups: backups.flatMap(({ timeline, backup_stopped_at: stoppedAt }) =>
      stoppedAt === null ? [] : [{ timeline, stoppedAt }],
    ),
    lastCommit: archive.last_commit_at,
    lag: { seconds: archive.lag_seconds, observedAt: archive.observed_at },
    // A backup that was completed since may have made up for them.
    gaps: reviseGaps(archive.gaps, plannedBases(backups)),
  }
  return recoveryWindow(facts, now)
}
