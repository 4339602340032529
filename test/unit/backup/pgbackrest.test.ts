import { describe, expect, test } from 'vitest'
import type { EngineServer } from '../../../src/backup/engine.ts'
import { pgbackrestEngine } from '../../../src/backup/pgbackrest/engine.ts'
import { Problem } from '../../../src/domain/problem.ts'

const engine = pgbackrestEngine({ program: '/usr/bin/pgbackrest', processMax: 2 })
const server: EngineServer = {
  serverId: 'srv_child',
  postgresVersion: 15,
  port: 5440,
  paths: {
    dataDirectory: '/d/data',
    configDirectory: "/d/it's 100%p",
    socketDirectory: '/s',
    logFile: '/d/log',
    lockDirectory: '/d/lock',
    spoolDirectory: '/d/spool',
    backupLogDirectory: '/d/backup-log',
  },
}
const archive = {
  serverId: 'srv_child',
  repository: { type: 'posix', path: '/repository' } as const,
  cipherPass: 'secret pass#phrase',
}

describe('configuration', () => {
  test('is in the files it says, and the passphrase is nowhere else', () => {
    for (const which of ['own', 'source'] as const) {
      const files = engine.configFiles(which, server, archive)
      expect(engine.configFileNames(which)).toEqual(expect.arrayContaining(Object.keys(files)))
      expect(Object.values(files).join()).toContain('\nrepo1-cipher-pass=secret pass#phrase\n')
    }
    expect(JSON.stringify(engine.backupTask(server, 'full'))).not.toContain('secret')
  })

  test('of the own archive pushes synchronously; of the source’s it fetches ahead and pushes nothing', () => {
    const own = engine.configFiles('own', server, archive)['pgbackrest.conf']
    const source = engine.configFiles('source', server, { ...archive, serverId: 'srv_parent' })['source.conf']
    expect(own).not.toContain('archive-async')
    expect(source).toContain('archive-async=y\narchive-get-queue-max=2GiB\n')
    expect(source).toContain('[srv_parent]\npg1-path=/d/data\n')
    expect(source).not.toContain('pg1-port')
  })

  test('of an archive on an object store names the authorities to trust as a file beside it', () => {
    const repository = {
      type: 's3',
      path: '/prefix/tnt_1/srv_child',
      bucket: 'archives',
      region: 'eu-central-1',
      host: 's3.example.com',
      port: 8443,
      pathStyle: true,
      certificateAuthorities: 'PEM text',
      key: { accessKeyId: 'ID', secretAccessKey: 'key secret' },
    } as const
    for (const which of ['own', 'source'] as const) {
      const files = engine.configFiles(which, server, { ...archive, repository })
      const [config = '', authorities = ''] = engine.configFileNames(which)
      expect(Object.keys(files)).toEqual([config, authorities])
      expect(files[authorities]).toBe('PEM text')
      expect(files[config]).toContain(
        `\nrepo1-storage-ca-file=${server.paths.configDirectory}/${authorities}\n`,
      )
      expect(files[config]).toContain('\nrepo1-s3-key=ID\nrepo1-s3-key-secret=key secret\n')
      expect(files[config]).toContain('repo1-type=s3\nrepo1-path=/prefix/tnt_1/srv_child\n')
    }
    const withSystems = { ...repository, certificateAuthorities: null, pathStyle: false }
    const files = engine.configFiles('own', server, { ...archive, repository: withSystems })
    expect(Object.keys(files)).toEqual(['pgbackrest.conf'])
    expect(files['pgbackrest.conf']).not.toContain('ca-file')
    expect(files['pgbackrest.conf']).toContain('repo1-s3-uri-style=host\n')
  })

  test.each(['two\nlines', ' edge'])('refuses a passphrase that the file cannot hold: %j', (cipherPass) => {
    expect(() => engine.configFiles('own', server, { ...archive, cipherPass })).toThrow(RangeError)
  })
})

test('commands for PostgreSQL survive a shell and its % escapes, whatever the path', () => {
  expect(engine.archiveCommand(server)).toBe(
    `'/usr/bin/pgbackrest' '--config=/d/it'\\''s 100%%p/pgbackrest.conf' '--stanza=srv_child' archive-push "%p"`,
  )
  expect(engine.restoreCommand(server, 'srv_parent', { fetchesAhead: false })).toContain(
    `$('/usr/bin/pgbackrest' '--config=/d/it'\\''s 100%%p/source.conf' '--stanza=srv_parent' --no-archive-async archive-get %f "%p" 2>&1)`,
  )
  expect(engine.restoreCommand(server, 'srv_parent', { fetchesAhead: true })).toEqual(
    expect.stringMatching(
      /^mv '.*\/archive\/srv_parent\/in'\/%f "%p" 2>\/dev\/null \|\| .*'\/usr\/bin\/pgbackrest' .* archive-get %f "%p" /,
    ),
  )
})

test('a restore names its backup, leaves recovery settings to us and can be repeated', () => {
  const { argv } = engine.restoreTask(server, 'srv_parent', '20261123-141933F')
  expect(argv).toEqual(
    expect.arrayContaining(['--stanza=srv_parent', '--set=20261123-141933F', '--type=none', '--delta']),
  )
})

test('an expiry counts full backups, and always keeps one', () => {
  const { argv } = engine.expireTask(server, 3)
  expect(argv).toEqual(
    expect.arrayContaining(['--repo1-retention-full-type=count', '--repo1-retention-full=3', 'expire']),
  )
  for (const keepFulls of [0, -1, 1.5]) expect(() => engine.expireTask(server, keepFulls)).toThrow(RangeError)
})

describe('the list of backups', () => {
  const backup = {
    archive: { start: '000000020000000000000003', stop: '000000020000000000000004' },
    error: false,
    info: { delta: 37304562, repository: { delta: 10391392, size: 10391392 }, size: 37304562 },
    label: '20261123-141933F',
    lsn: { start: '0/3000028', stop: '0/4000050' },
    timestamp: { start: 1795443573, stop: 1795443575 },
    type: 'full',
  }
  const info = (backups: unknown[], code = 0, message = 'ok') =>
    JSON.stringify([{ backup: backups, name: 'srv_child', repo: [{ status: { code, message } }] }])

  test('tells of each when it was taken, on which timeline, and how large it is', () => {
    expect(engine.parseBackups(info([backup]))).toEqual([
      {
        label: '20261123-141933F',
        type: 'full',
        startedAt: '2026-11-23T14:19:33.000000Z',
        stoppedAt: '2026-11-23T14:19:35.000000Z',
        startLsn: '0/3000028',
        stopLsn: '0/4000050',
        startSegment: '000000020000000000000003',
        stopSegment: '000000020000000000000004',
        timeline: 2,
        sizeBytes: 37304562,
        repositorySizeBytes: 10391392,
        referenceLabels: [],
        hasErrors: false,
        hasTablespaces: null,
      },
    ])
  })

  test('tells of a backup with a damaged page, which counts as the others do when backups expire', () => {
    expect(engine.parseBackups(info([{ ...backup, error: true }]))).toMatchObject([{ hasErrors: true }])
  })

  test('tells what a backup cannot be restored without, the full one it is named after included', () => {
    const upon = {
      ...backup,
      type: 'incr',
      label: '20261123-141933F_20261125-141933I',
      reference: ['20261123-141933F_20261124-141933D'],
    }
    expect(engine.parseBackups(info([upon]))).toMatchObject([
      { referenceLabels: ['20261123-141933F', '20261123-141933F_20261124-141933D'] },
    ])
  })

  test('tells whether the backup that was asked for has tablespaces', () => {
    const tablespace = [{ destination: '/t', name: 'fast', oid: 16400 }]
    const found = [null, tablespace].map((value) =>
      engine.parseBackups(info([{ ...backup, tablespace: value }])),
    )
    expect(found.map(([one]) => one?.hasTablespaces)).toEqual([false, true])
  })

  test('is empty where there is no archive, and a problem where the archive cannot be read', () => {
    expect(engine.parseBackups(info([], 1, 'missing stanza path'))).toEqual([])
    expect(() => engine.parseBackups(info([], 99, '[FormatError] unable to load'))).toThrow(Problem)
  })

  test.each([
    [
      'archive-unreadable',
      "[FormatError] unable to load info file 'i' or 'i.copy':\nFormatError: key/value found",
    ],
    [
      'archive-unreadable',
      "[CryptoError] unable to load info file 'i' or 'i.copy':\nCryptoError: unable to flush",
    ],
    ['archive-unreadable', '[CryptoError] unable to load info file:\nCryptoError: cipher header invalid'],
    [
      'archive-unreachable',
      "[CryptoError] unable to verify certificate presented by 'store:443': [18] self-signed",
    ],
    ['archive-unreachable', "[HostConnectError] unable to connect to 'store:443': [111] Connection refused"],
    ['archive-unreachable', '[ProtocolError] HTTP request failed with 403 (Forbidden)'],
    ['archive-unreachable', "[PathOpenError] unable to list file info for path '/r': [13] Permission denied"],
  ])('that fails is %s: %s', (code, message) => {
    expect(() => engine.parseBackups(info([], 99, message))).toThrow(expect.objectContaining({ code }))
    const unreadable = engine.isUnreadable({ stdout: '', stderr: `WARN: repo1: ${message}` })
    expect(unreadable).toBe(code === 'archive-unreadable')
  })
})

test('an archive under another passphrase is a problem even when its message is not valid JSON', () => {
  const status = '{"code":99,"message":"[FormatError] unable to load\\nkey outside of section: \u0001\u001b"}'
  const stdout = `[{"backup":[],"name":"srv_child","repo":[{"status":${status}}]}]`
  expect(() => JSON.parse(stdout)).toThrow(SyntaxError)
  expect(() => engine.parseBackups(stdout)).toThrow(Problem)
})

describe('progress', () => {
  const report = (stdoutTail: string, state: 'running' | 'succeeded' = 'running') => ({
    state,
    exitCode: null,
    stdoutTail,
    stderrTail: '',
  })
  const TAIL = `ore file /d/data/base/1/2600 (bundle 2/0, 16KB, 18.36%) checksum d345
2026-11-23 14:24:58.350 P01 DETAIL: restore file /d/data/base/1/2579 (bundle 2/4400, 16KB, 25.00%) checksum 65cf
2026-11-23 14:24:58.351 P00 DETAIL: sync path '/d/data/base'
2026-11-23 14:24:58.360 P01 DETAIL: restore file /d/data/base/1/22`

  test('a backup says what it has made', () => {
    const text =
      'P00   INFO: new backup label = 20261123-140000F_20261123-150000I\nP00   INFO: full backup size = 22MB\n'
    expect(engine.madeBackup(report(text, 'succeeded'))).toBe('20261123-140000F_20261123-150000I')
    expect(engine.madeBackup(report('P00   INFO: backup command end: aborted\n'))).toBeNull()
  })

  test('is the share of bytes in the last whole line about a file', () => {
    expect(engine.progressOf('restore', report(TAIL), 4000)).toEqual({
      bytesDone: 1000,
      bytesTotal: 4000,
      percent: 25,
    })
  })

  test('counts a file that an interrupted restore had brought already', () => {
    const text =
      'P01 DETAIL: restore file /d/PG_VERSION - exists and matches backup (3B, 99.99%) checksum 587b'
    expect(engine.progressOf('restore', report(text)).percent).toBe(99.99)
  })

  test('is unknown before the first file and complete at the end', () => {
    expect(engine.progressOf('backup', report(''))).toEqual({ bytesDone: 0, bytesTotal: null, percent: null })
    expect(engine.progressOf('backup', report('', 'succeeded')).percent).toBe(100)
  })
})

describe('a restore that failed', () => {
  const isDamaged = (exitCode: number, stderrTail: string) =>
    engine.isDamaged({ state: 'failed', exitCode, stdoutTail: '', stderrTail })

  test.each([
    [29, 'ERROR: [029]: raised from local-1 protocol: lz4 error: [-18] ERROR_contentChecksum_invalid'],
    [95, 'ERROR: [095]: raised from local-2 protocol: unable to flush'],
    [55, "ERROR: [055]: raised from local-1 protocol: unable to open missing file '/r/bundle/1' for read"],
    [
      26,
      "ERROR: [026]: unable to load backup manifest file '/r/backup.manifest' or '/r/backup.manifest.copy':",
    ],
  ])('with status %i over a file of the backup has found it damaged', (exitCode, text) => {
    expect(isDamaged(exitCode, text)).toBe(true)
  })

  test.each([
    ['without its configuration', 55, "ERROR: [055]: unable to open missing file '/c/source.conf' for read"],
    ['without the archive', 75, 'ERROR: [075]: backup set 20261123-172250F is not valid'],
    ['without leave to read', 41, 'ERROR: [041]: raised from local-1 protocol: unable to open file: [13]'],
    ['for want of space', 39, 'ERROR: [039]: raised from local-1 protocol: unable to write'],
  ])('%s has found no damage', (_name, exitCode, text) => {
    expect(isDamaged(exitCode, text)).toBe(false)
  })
})
