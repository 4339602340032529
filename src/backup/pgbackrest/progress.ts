import type { TaskReport } from '../../drivers/driver.ts'
import type { TaskProgress } from '../engine.ts'

const FILE_LINE = /DETAIL: .* file .*\((?:[^()]*, )?(\d+(?:\.\d+)?)%\)/g

/** The last thing that a backup says is `new backup label = …`. */
export function readLabel({ stdoutTail }: TaskReport): string | null {
  return /new backup label = (\S+)/.exec(stdoutTail)?.[1] ?? null
}

/**
 * Reads how far a backup or restore has come from the lines it prints for each file, such as
 * `restore file …/base/5/2600 (bundle 2/0, 16KB, 18.36%) checksum …`. The percentage is of the bytes of all files.
 */
export function readProgress(report: TaskReport, bytesTotal: number | null): TaskProgress {
  const last = [...report.stdoutTail.matchAll(FILE_LINE)].at(-1)?.[1]
  const percent = report.state === 'succeeded' ? 100 : last === undefined ? null : Number(last)
  const bytesDone = Math.round(((bytesTotal ?? 0) * (percent ?? 0)) / 100)
  return { bytesDone, bytesTotal, percent }
}
