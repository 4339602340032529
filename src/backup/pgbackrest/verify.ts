import type { TaskReport } from '../../drivers/driver.ts'
import type { DamagedBackup, VerifyReport } from '../engine.ts'

/** pgBackRest's errors (src/build/error/error.yaml) for contents that do not decompress or decrypt; others are of reading. */
const BROKEN_CONTENTS = new Set(['29', '95'])

const FAULT = /(?:invalid (?:checksum|size)|file missing|invalid result) '?([^\s':]+)'?(?:: \[(\d+)\])?/g
const BACKUP =
  /^ *backup: (\S+), status: invalid, total files checked: (\d+), total valid files: \d+((?:\n *(?:missing|checksum invalid|size invalid|other): \d+)*)/gm
const COUNT = /([a-z ]+): (\d+)/g
const SEGMENT = /\/([0-9A-F]{24})-[0-9a-f]{40}/

/**
 * Reads what `verify` of 2.45 prints at level `info`. It exits with 0 whatever it finds, says nothing at all of what is
 * sound, and lists a dependent backup below the one whose file it needs. A file that could only not be read (`other`
 * without an error of its contents) is no damage: reading it again may go well.
 */
export function parseVerify({ stdoutTail }: Pick<TaskReport, 'stdoutTail'>): VerifyReport {
  const faults = [...stdoutTail.matchAll(FAULT)].map(([, path = '', code]) => ({ path, code }))
  const broken = faults.filter(({ code }) => code === undefined || BROKEN_CONTENTS.has(code))
  const listed = [...stdoutTail.matchAll(BACKUP)].map(([, label = '', checked, counts = '']) => {
    const byName = new Map([...counts.matchAll(COUNT)].map(([, name = '', n]) => [name.trim(), Number(n)]))
    const faulty = [...byName.values()].reduce((sum, n) => sum + n, 0)
    return { label, checked: Number(checked), faulty, isUnclear: byName.has('other') && byName.size === 1 }
  })
  const areContents = faults.length === broken.length && broken.some(({ code }) => code !== undefined)
  const segments = broken.flatMap(({ path }) => SEGMENT.exec(path)?.[1] ?? [])
  return {
    isReadable: !/No usable (backup|archive)\.info file/.test(stdoutTail),
    isComplete:
      faults.length === broken.length && (areContents || !listed.some(({ isUnclear }) => isUnclear)),
    damaged: listed
      .filter(({ isUnclear }) => areContents || !isUnclear)
      // Without a manifest that can be read no file is looked for.
      .map(({ label, checked, faulty }): DamagedBackup => ({ label, files: checked === 0 ? null : faulty })),
    damagedSegments: [...new Set(segments)].sort(),
  }
}
