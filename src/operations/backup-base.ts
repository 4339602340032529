import type { BackupInfo } from '../backup/engine.ts'
import type { Db } from '../db/client.ts'
import type { BackupType } from '../domain/addon.ts'
import { findCompleteBackups } from './backup-progress.ts'

/**
 * The type to take in place of the one that is wished for, so that the new backup builds upon nothing that cannot be
 * restored from. The engine builds a differential one upon the newest full one that it lists, an incremental one upon
 * the newest of all, and asks nobody whether they are sound.
 */
export async function soundType(
  db: Db,
  serverId: string,
  wished: BackupType,
  listed: readonly BackupInfo[],
): Promise<BackupType> {
  if (wished === 'full') return wished
  const usable = new Set((await findCompleteBackups(db, serverId)).map(({ label }) => label))
  const isSound = (base: BackupInfo | undefined) =>
    base === undefined || (usable.has(base.label) && !base.hasErrors)
  if (!isSound(listed.findLast(({ type }) => type === 'full'))) return 'full'
  return wished === 'incremental' && !isSound(listed.at(-1)) ? 'differential' : wished
}
