import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { pgbackrestEngine } from '../../../src/backup/pgbackrest/engine.ts'

const SEGMENT = '000000010000000000000007'

/** The exit status of the restore command when pgBackRest says that and ends with that status. */
async function statusAfter(said: string, status: number, fetchesAhead: boolean): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'undrop-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const program = join(directory, 'pgbackrest')
  await writeFile(program, `#!/bin/sh\necho '${said}'\nexit ${status}\n`)
  await chmod(program, 0o755)
  const paths = {
    dataDirectory: directory,
    configDirectory: directory,
    socketDirectory: directory,
    logFile: directory,
    lockDirectory: directory,
    spoolDirectory: directory,
    backupLogDirectory: directory,
  }
  const server = { serverId: 'srv_child', postgresVersion: 15, port: 20_001, paths }
  const command = pgbackrestEngine({ program, processMax: 1 })
    .restoreCommand(server, 'srv_parent', { fetchesAhead })
    .replaceAll('%f', SEGMENT)
    .replaceAll('%p', join(directory, SEGMENT))
  return new Promise((resolve) =>
    execFile('sh', ['-c', command], (error) => resolve(error === null ? 0 : Number(error.code))),
  )
}

test.each([true, false])(
  'recovery ends with an error, not early, when the store is away (ahead: %s)',
  async (ahead) => {
    expect(await statusAfter('', 0, ahead)).toBe(0)
    expect(await statusAfter('', 1, ahead)).toBe(1)
    expect(await statusAfter('unable to get it: [FormatError] lz4 error', 42, ahead)).toBe(1)
    // Above 125 PostgreSQL gives recovery up.
    expect(await statusAfter('unable to get it: [HostConnectError] unable to connect to x', 42, ahead)).toBe(
      254,
    )
    expect(await statusAfter('WARN: repo1: [ProtocolError] HTTP request failed with 403', 103, ahead)).toBe(
      254,
    )
  },
)
