import { execFile } from 'node:child_process'
import { chown, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ServerFiles } from './server-files.ts'
import { archivedSegments } from './stored-files.ts'

const run = promisify(execFile)

/** The end of a transaction as `pg_waldump` prints it: recovery to a time stops at these records only. */
export interface TransactionEnd {
  /** Where the record begins. */
  lsn: string
  xid: string
  commits: boolean
  at: string
}

const LINE = /tx: +(\d+), lsn: (\w+)\/(\w+), .*desc: (COMMIT|ABORT) (\S+) (\d\d:\d\d:\d\d\.\d{6}) UTC/

/** Every transaction that ended in the archived WAL, in its order; read without any of Undrop's own code. */
export async function transactionEnds(server: ServerFiles): Promise<TransactionEnd[]> {
  const segments = await archivedSegments(server)
  const directory = await mkdtemp(join(tmpdir(), 'undrop-wal-'))
  try {
    const owner = await stat(server.configFile)
    await chown(directory, owner.uid, owner.gid)
    const asOwner = { uid: owner.uid, gid: owner.gid, cwd: directory, maxBuffer: 2 ** 30 }
    for (const segment of segments) {
      const options = [
        `--config=${server.configFile}`,
        `--stanza=${server.serverId}`,
        '--log-level-console=warn',
      ]
      await run('pgbackrest', [...options, 'archive-get', segment, join(directory, segment)], asOwner)
    }
    const [first = '', last = ''] = [segments[0], segments.at(-1)]
    const argv = ['--rmgr=Transaction', join(directory, first), join(directory, last)]
    const env = { TZ: 'UTC', LC_ALL: 'C' }
    // It ends with an error where the WAL does, after having printed all of it.
    const { stdout } = await run(join(server.binDirectory, 'pg_waldump'), argv, { ...asOwner, env }).catch(
      (error: { stdout: string }) => error,
    )
    return stdout.split('\n').flatMap((line) => {
      const [, xid = '', high, low = '', kind, date, time] = LINE.exec(line) ?? []
      if (kind === undefined) return []
      const lsn = `${high}/${Number.parseInt(low, 16).toString(16).toUpperCase()}`
      return [{ lsn, xid, commits: kind === 'COMMIT', at: `${date}T${time}Z` }]
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** What a restore to a moment has to hold: the WAL before the first transaction end that is later than it. */
export function prefixBefore(ends: readonly TransactionEnd[], moment: string, { exclusive = false } = {}) {
  const stopAt = ends.findIndex(({ at }) => (exclusive ? at >= moment : at > moment))
  const stop = ends[stopAt]
  const committed = ends.slice(0, stopAt).filter(({ commits }) => commits)
  const last = committed.at(-1)
  if (stop === undefined || last === undefined) throw new Error(`the WAL does not reach beyond ${moment}`)
  return { stop, last, xids: new Set(committed.map(({ xid }) => xid)) }
}

/** What a restore to the end of a transaction has to hold: the WAL up to it, or before it. */
export function prefixUpTo(ends: readonly TransactionEnd[], end: TransactionEnd, { exclusive = false } = {}) {
  const stopAt = ends.indexOf(end) + (exclusive ? 0 : 1)
  const committed = ends.slice(0, stopAt).filter(({ commits }) => commits)
  const last = committed.at(-1)
  if (last === undefined) throw new Error('nothing had committed')
  return { last, xids: new Set(committed.map(({ xid }) => xid)) }
}

const PAGE_BYTES = 8192
const SEGMENT_BYTES = 16 * 1024 * 1024

/**
 * Where the next record begins when WAL has been replayed up to `lsn`: behind the page header, when a page ends there
 * (access/xlog_internal.h: SizeOfXLogLongPHD and SizeOfXLogShortPHD).
 */
export function nextRecordAt(lsn: string): string {
  const [high, low = ''] = lsn.split('/')
  const offset = Number.parseInt(low, 16)
  const header = offset % SEGMENT_BYTES === 0 ? 40 : offset % PAGE_BYTES === 0 ? 24 : 0
  return `${high}/${(offset + header).toString(16).toUpperCase()}`
}
