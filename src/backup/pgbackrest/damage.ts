import type { TaskReport } from '../../drivers/driver.ts'

/**
 * pgBackRest's exit statuses for a file that has other content than it was written with, or is not there
 * (src/build/error/error.yaml of its source): ChecksumError, FormatError, FileMissingError, CryptoError.
 */
const DAMAGED: readonly (number | null)[] = [26, 29, 55, 95]

/** Said of a file that one of its processes copies, and of the manifest. Of its own configuration it says neither. */
const OF_BACKUP = /raised from local-\d+ |unable to load backup manifest file/

/**
 * Whether a restore failed because files of the backup are damaged (measured on 2.45: flipped, cut, emptied and removed
 * bundles, single files and manifests). An archive that is gone as a whole, or has another passphrase, is no damage:
 * then it finds no backup of that label (status 75), or cannot read at all. It has tried every file three times, the
 * last time 15 seconds later.
 */
export function isDamaged({ exitCode, stdoutTail, stderrTail }: TaskReport): boolean {
  return DAMAGED.includes(exitCode) && OF_BACKUP.test(stdoutTail + stderrTail)
}
