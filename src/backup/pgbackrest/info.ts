import { z } from 'zod'
import type { BackupType } from '../../domain/addon.ts'
import { type Moment, momentOfMicros } from '../../domain/moment.ts'
import { Problem } from '../../domain/problem.ts'
import { parseSegment } from '../../domain/wal-segment.ts'
import type { BackupInfo } from '../engine.ts'
import { saysUnreadable } from './unreadable.ts'

const size = z.number().int()

const backupSchema = z.object({
  label: z.string(),
  type: z.enum(['full', 'diff', 'incr']),
  // True when a page failed its checksum.
  error: z.boolean().nullable(),
  // Of what the files of the backup are a part; null for a full one.
  reference: z.array(z.string()).nullable().optional(),
  archive: z.object({ start: z.string(), stop: z.string() }),
  lsn: z.object({ start: z.string(), stop: z.string() }),
  timestamp: z.object({ start: z.number().int(), stop: z.number().int() }),
  info: z.object({ size, repository: z.object({ delta: size }) }),
  // There only when one backup was asked for by its label.
  tablespace: z.array(z.unknown()).nullable().optional(),
})

const infoSchema = z.array(
  z.object({
    backup: z.array(backupSchema),
    repo: z.array(z.object({ status: z.object({ code: z.number(), message: z.string() }) })),
  }),
)

const TYPES: Record<'full' | 'diff' | 'incr', BackupType> = {
  full: 'full',
  diff: 'differential',
  incr: 'incremental',
}

/** pgBackRest's status when it cannot read the repository: unreachable, or encrypted with another passphrase. */
const FAILED = 99

/**
 * Reads `info --output=json`: the complete backups, oldest first; none when there is no archive.
 *
 * @throws Problem `archive-unreachable` or `archive-unreadable` when the archive cannot be read; `info` itself exits with
 * 0 then.
 */
export function parseInfo(stdout: string): BackupInfo[] {
  // A message about a file that does not decrypt quotes its bytes, which JSON does not allow in a string.
  const stanzas = infoSchema.parse(JSON.parse(stdout.replaceAll(/\p{Cc}/gu, ' ')))
  const failed = stanzas.flatMap(({ repo }) => repo).find(({ status }) => status.code === FAILED)
  if (failed !== undefined) {
    // The lines after the first quote the file, which is cipher text.
    const code = saysUnreadable(failed.status.message) ? 'archive-unreadable' : 'archive-unreachable'
    throw new Problem(code, { cause: failed.status.message.split('\n')[0] })
  }
  return stanzas.flatMap(({ backup }) => backup.map(backupInfo))
}

function backupInfo(backup: z.infer<typeof backupSchema>): BackupInfo {
  return {
    label: backup.label,
    type: TYPES[backup.type],
    startedAt: momentOfSeconds(backup.timestamp.start),
    stoppedAt: momentOfSeconds(backup.timestamp.stop),
    startLsn: backup.lsn.start,
    stopLsn: backup.lsn.stop,
    startSegment: backup.archive.start,
    stopSegment: backup.archive.stop,
    timeline: parseSegment(backup.archive.start).timeline,
    sizeBytes: backup.info.size,
    repositorySizeBytes: backup.info.repository.delta,
    referenceLabels: referencesOf(backup),
    hasErrors: backup.error === true,
    hasTablespaces: backup.tablespace === undefined ? null : (backup.tablespace?.length ?? 0) > 0,
  }
}

/** What is not a full backup is named after the one it builds upon: `20261123-130000F_20261124-130000D`. */
function referencesOf({ label, reference }: z.infer<typeof backupSchema>): string[] {
  const [full = label, own] = label.split('_')
  return [...new Set([...(own === undefined ? [] : [full]), ...(reference ?? [])])]
}

function momentOfSeconds(seconds: number): Moment {
  return momentOfMicros(BigInt(seconds) * 1_000_000n)
}
