import { describe, expect, test } from 'vitest'
import { parseVerify } from '../../../src/backup/pgbackrest/verify.ts'

const FULL = '20261123-172303F'
const DIFFERENTIAL = '20261123-172303F_20261123-172305D'
const NEWEST = '20261123-172307F'
const SEGMENT = '000000010000000000000008'
const SOUND = { isReadable: true, isComplete: true, damaged: [], damagedSegments: [] }

/** As pgBackRest 2.45 prints it, between the lines that it begins and ends with. */
const printed = (text: string) => ({
  stdoutTail: `2026-11-23 17:23:34.023 P00   INFO: verify command begin 2.45: --config=source.conf --repo1-cipher-pass=<redacted> --stanza=srv_a
${text}2026-11-23 17:23:34.436 P00   INFO: verify command end: completed successfully (414ms)
`,
})
const summary = (...lines: string[]) =>
  `2026-11-23 17:23:34.436 P00   INFO: stanza: srv_a
                                    status: error
${lines.map((line) => `                                    ${line}\n`).join('')}`
const backup = (label: string, checked: number, valid: number, fault: string) => [
  `  backup: ${label}, status: invalid, total files checked: ${checked}, total valid files: ${valid}`,
  ...(fault === '' ? [] : [`    ${fault}`]),
]
const fault = (text: string) => `2026-11-23 17:23:34.231 P02   INFO: ${text}\n`

describe('a verification', () => {
  test('of a sound archive says nothing of it', () => {
    expect(parseVerify(printed(''))).toEqual(SOUND)
  })

  test('names the backup that has a flipped byte in a bundle', () => {
    const text =
      fault(`invalid checksum '${NEWEST}/pg_data/base/5/2838.lz4'`) +
      summary(...backup(NEWEST, 968, 967, 'checksum invalid: 1'))
    expect(parseVerify(printed(text))).toEqual({ ...SOUND, damaged: [{ label: NEWEST, files: 1 }] })
  })

  test('names the backup that misses a file, and every backup that needs it', () => {
    const text =
      fault(`file missing '${FULL}/pg_data/base/5/16384.lz4'`) +
      summary(...backup(FULL, 967, 193, 'missing: 774'), ...backup(DIFFERENTIAL, 968, 197, 'missing: 771'))
    expect(parseVerify(printed(text)).damaged).toEqual([
      { label: FULL, files: 774 },
      { label: DIFFERENTIAL, files: 771 },
    ])
  })

  test('names the backup whose list of files is damaged', () => {
    const report = parseVerify(printed(summary(...backup(NEWEST, 0, 0, ''))))
    expect(report).toEqual({ ...SOUND, damaged: [{ label: NEWEST, files: null }] })
  })

  test.each([
    '[29] raised from local-1 protocol: lz4 error: [-18] ERROR_contentChecksum_invalid',
    '[95] raised from local-1 protocol: unable to flush',
  ])('names the WAL segment that does not open: %s', (error) => {
    const path = `15-1/0000000100000000/${SEGMENT}-558bcae594b8e744779307be01fb68873bd76721.lz4`
    const retries = `                                    [FormatError] on retry after 0ms\n`
    const text =
      fault(`invalid result ${path}: ${error}`) +
      retries +
      summary('  archiveId: 15-1, total WAL checked: 17, total valid WAL: 16', '    other: 1')
    expect(parseVerify(printed(text))).toEqual({ ...SOUND, damagedSegments: [SEGMENT] })
  })

  test('does not call damaged what could only not be read', () => {
    const error =
      "[41] raised from local-2 protocol: unable to open file '/r/bundle/1' for read: [13] Permission denied"
    const text =
      fault(`invalid result ${NEWEST}/pg_data/PG_VERSION.lz4: ${error}`) +
      summary(...backup(NEWEST, 968, 967, 'other: 1'))
    expect(parseVerify(printed(text))).toEqual({ ...SOUND, isComplete: false })
    const onlySummary = printed(summary(...backup(NEWEST, 968, 967, 'other: 1')))
    expect(parseVerify(onlySummary)).toEqual({ ...SOUND, isComplete: false })
  })

  test('names every backup that needs a file which does not open', () => {
    const incremental = `${FULL}_20261123-172306I`
    const text =
      fault(
        `invalid result ${DIFFERENTIAL}/pg_data/base/5/2838.lz4: [29] raised from local-1 protocol: lz4 error`,
      ) + summary(...backup(DIFFERENTIAL, 968, 967, 'other: 1'), ...backup(incremental, 968, 967, 'other: 1'))
    expect(parseVerify(printed(text))).toEqual({
      ...SOUND,
      damaged: [DIFFERENTIAL, incremental].map((label) => ({ label, files: 1 })),
    })
  })

  test('says so when not even the lists of what there is can be read', () => {
    const text = summary('  No usable backup.info file', '  No usable archive.info file')
    expect(parseVerify(printed(text))).toMatchObject({ isReadable: false })
  })
})
