import type { TaskReport } from '../../drivers/driver.ts'
import type { DamagedBackup, VerifyReport } from '../engine.ts'

/** pgBackRest's errors (src/build/error/error.yaml) for contents that do not decompress or decrypt; others are of reading. */
const BROKEN_CONTENTS = new Set(['29', '95'])

const FAULT = /(?:invalid (?:checksum|size)|file missing|invalid result) '?([^\s':]+)'?(?:: \[(\d+)\])?/g
const BACKUP =
  /^ *backup: (\S+), status: ([\w-]+), total files checked: (\d+), total valid files: \d+((?:\n *(?:missing|checksum invalid|size invalid|other): \d+)*)/gm
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
  const owners = new Set(broken.map(({ path }) => path.split('/')[0] ?? ''))
  const listed = [...stdoutTail.matchAll(BACKUP)].map(([, label = '', status, checked, counts = '']) => ({
    label,
    status,
    checked: Number(checked),
    counts: new Map([...counts.matchAll(COUNT)].map(([, name = '', n]) => [name.trim(), Number(n)])),
  }))
  const damaged = listed.flatMap(({ label, status, checked, counts }): DamagedBackup[] => {
    const sure = ['checksum invalid', 'missing', 'size invalid'].reduce(
      (sum, n) => sum + (counts.get(n) ?? 0),
      0,
    )
    const other = counts.get('other') ?? 0
    if (sure > 0) return [{ label, files: sure + other }]
    if (other > 0) return dependsOn(label, owners) ? [{ label, files: other }] : []
    // Without a manifest that can be read no file is looked for.
    return status === 'invalid' && checked === 0 ? [{ label, files: null }] : []
  })
  const segments = broken.flatMap(({ path }) => SEGMENT.exec(path)?.[1] ?? [])
  return {
    isReadable: !/No usable (backup|archive)\.info file/.test(stdoutTail),
    isComplete: faults.length === broken.length && !hasUnread(listed, damaged),
    damaged,
    damagedSegments: [...new Set(segments)].sort(),
  }
}

/** A label begins with that of the full backup that it builds on. */
function dependsOn(label: string, owners: ReadonlySet<string>): boolean {
  return owners.has(label) || owners.has(label.split('_')[0] ?? '')
}

function hasUnread(
  listed: readonly { label: string; counts: ReadonlyMap<string, number> }[],
  damaged: readonly DamagedBackup[],
): boolean {
  const known = new Set(damaged.map(({ label }) => label))
  return listed.some(({ label, counts }) => counts.has('other') && !known.has(label))
}
