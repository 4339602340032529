import { sql } from 'kysely'
import type { BackupInfo } from '../backup/engine.ts'
import { lockAddon } from '../db/addons.ts'
import { canBeRestoredFrom } from '../db/backups.ts'
import type { Executor, Tx } from '../db/client.ts'
import { archiveIsBeingRead } from '../db/restores.ts'
import { readSchedulingFacts } from '../db/schedule.ts'
import type { CompleteBackupPolicy } from '../domain/backup-policy.ts'
import { type FullBackup, fullsToKeep, retentionNow } from '../domain/retention.ts'
import { recordEvent } from '../notify/outbox.ts'
import { policyOf } from './backup-planner.ts'

interface Archive {
  tenantId: string
  addonId: string
  serverId: string
}

/**
 * Labels of the backups that the retention policy gives up, of all that the engine lists. The clock is the end of the
 * newest backup (`retentionNow`): while none succeeds, nothing is given up.
 */
export async function labelsToExpire(
  ex: Executor,
  { serverId }: Pick<Archive, 'serverId'>,
  listed: readonly BackupInfo[],
  platformPolicy: CompleteBackupPolicy,
): Promise<string[]> {
  const usable = new Set(await usableLabels(ex, serverId))
  const fulls = listed
    .filter(({ type }) => type === 'full')
    .map(
      ({ label, stoppedAt, hasErrors }): FullBackup => ({
        label,
        stoppedAt,
        usable: usable.has(label) && !hasErrors,
      }),
    )
  const [facts] = await readSchedulingFacts(ex, [serverId])
  const now = facts === undefined ? null : retentionNow(fulls, facts.now)
  if (facts === undefined || now === null) return []
  const kept = fullsToKeep(fulls, policyOf(facts, platformPolicy), now)
  const going = new Set(fulls.slice(0, fulls.length - kept).map(({ label }) => label))
  return listed
    .filter(
      ({ label, referenceLabels }) => going.has(label) || referenceLabels.some((each) => going.has(each)),
    )
    .map(({ label }) => label)
}

/**
 * Gives up what the policy does not keep, unless a restore reads the archive. The add-on is locked as it is for a
 * restore, so that none begins from what goes.
 */
export async function giveUpExpired(
  tx: Tx,
  archive: Archive,
  listed: readonly BackupInfo[],
  platformPolicy: CompleteBackupPolicy,
): Promise<void> {
  const addon = await lockAddon(tx, { tenantId: archive.tenantId }, archive.addonId)
  if (addon === undefined || (await archiveIsBeingRead(tx, archive.tenantId, archive.serverId))) return
  await markExpired(tx, archive, await labelsToExpire(tx, archive, listed, platformPolicy))
}

/**
 * How many full backups are listed from the oldest of them on that has not been given up; the engine keeps that many.
 * One that has vanished from the archive holds nothing back.
 */
export async function fullsLeft(
  ex: Executor,
  serverId: string,
  listed: readonly BackupInfo[],
): Promise<number> {
  const wanted = new Set(await labelsNotExpired(ex, serverId))
  const fulls = listed.filter(({ type }) => type === 'full').map(({ label }) => label)
  const oldest = fulls.filter((label) => wanted.has(label)).sort()[0]
  return fulls.filter((label) => oldest !== undefined && label >= oldest).length
}

/** Nothing is to be restored from what is not listed, damaged before or not. */
export async function giveUpUnlisted(tx: Tx, archive: Archive, listed: readonly BackupInfo[]): Promise<void> {
  const present = new Set(listed.map(({ label }) => label))
  const gone = (await labelsNotExpired(tx, archive.serverId)).filter((label) => !present.has(label))
  await markExpired(tx, archive, gone)
}

async function usableLabels(ex: Executor, serverId: string): Promise<string[]> {
  const { rows } = await sql<{ label: string }>`
    select label from backup
     where server_id = ${serverId} and ${canBeRestoredFrom}`.execute(ex)
  return rows.map(({ label }) => label)
}

async function labelsNotExpired(ex: Executor, serverId: string): Promise<string[]> {
  const { rows } = await sql<{ label: string }>`
    select label from backup
     where server_id = ${serverId} and status = 'succeeded' and label is not null and expired_at is null`.execute(
    ex,
  )
  return rows.map(({ label }) => label)
}

async function markExpired(tx: Tx, { tenantId, addonId, serverId }: Archive, labels: readonly string[]) {
  const { rows } = await sql<{ id: string }>`
    update backup set expired_at = now()
     where server_id = ${serverId} and label = any(${labels}::text[]) and status = 'succeeded' and expired_at is null
    returning id`.execute(tx)
  for (const { id } of rows.toSorted((one, other) => (one.id < other.id ? -1 : 1)))
    await recordEvent(tx, { tenantId, type: 'backup.expired', payload: { backupId: id, addonId } })
}
