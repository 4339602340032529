import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ServerFiles } from './server-files.ts'

/** Where every transaction of the load writes down its own number; `n` also counts those that were rolled back. */
export const LEDGER = 'create table ledger (xid xid8 primary key default pg_current_xact_id(), n serial)'

const SCRIPT = String.raw`
  \set fate random(1, 8)
  begin;
  insert into ledger default values;
  \if :fate = 1
  rollback;
  \else
  commit;
  \endif
`

/** Runs that many transactions of as many clients at once; one in eight is rolled back. */
export async function ledgerLoad(
  { binDirectory }: ServerFiles,
  url: string,
  { clients, transactionsPerClient }: { clients: number; transactionsPerClient: number },
): Promise<void> {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url)
  const env = {
    PATH: process.env['PATH'],
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: username,
    PGPASSWORD: password,
    PGDATABASE: pathname.slice(1),
    PGSSLMODE: searchParams.get('sslmode') ?? '',
    PGSSLROOTCERT: searchParams.get('sslrootcert') ?? '',
    PGOPTIONS: '-c synchronous_commit=off',
  }
  const numbers = [`--client=${clients}`, `--transactions=${transactionsPerClient}`, '--jobs=2']
  const argv = ['--no-vacuum', ...numbers, '--file=-']
  const pgbench = promisify(execFile)(join(binDirectory, 'pgbench'), argv, { env })
  pgbench.child.stdin?.end(SCRIPT)
  await pgbench
}
