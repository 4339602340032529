import { randomBytes } from 'node:crypto'
import type { CommandResult, CommandSpec } from '../drivers/driver.ts'
import type { ClientLogin } from './admission.ts'

export type ProbeResult =
  | { passed: true }
  /** `code` is an SQLSTATE; what the server says in words may quote rows. */
  | { passed: false; why: 'no-row' | 'null' | 'false' | 'timed-out' | 'unanswered' | 'error'; code?: string }

/** Where the probe runs: never in our own process, as its answer may be of any size. */
export interface ProbePlace {
  /** `psql` of the server's major version. */
  program: string
  run(command: CommandSpec): Promise<CommandResult>
  /** 300 unless said otherwise. */
  timeoutSeconds?: number
}

const TIMEOUT_SECONDS = 300
/** What the server has to end the statement by itself, before the command is killed. */
const GRACE_SECONDS = 5
/** More than the description of as many columns as PostgreSQL allows. */
const STDOUT_BYTES = 1024 * 1024
const STDERR_BYTES = 4096
const MEMORY_KIB = 512 * 1024

/** Both outputs are read to their ends, so that psql never fails for want of a reader; only so much of them is passed on. */
const CAPPED = `
ulimit -v ${MEMORY_KIB}
{ { { "$@"; echo "exit $?" >&2; } 2>&1 >&3 3>&- | tail -c ${STDERR_BYTES} >&2; } 3>&1 |
  { head -c ${STDOUT_BYTES}; cat >/dev/null; }; }
`

/**
 * Runs a tenant's query with the tenant's own login: the query can undo whatever a session of ours would have given up.
 * It is one statement, and what is looked at is the first column of its first row. Nothing is thrown for what the query
 * does, and nothing that the server says is passed on but an SQLSTATE.
 */
export async function runProbe(login: ClientLogin, query: string, place: ProbePlace): Promise<ProbeResult> {
  const timeoutSeconds = place.timeoutSeconds ?? TIMEOUT_SECONDS
  const mark = randomBytes(16).toString('hex')
  const result = await place.run({
    argv: ['sh', '-c', CAPPED, 'sh', place.program, '-X', '-q', '-A', '-t', '-w', '-v', 'ON_ERROR_STOP=1'],
    env: environment(login, timeoutSeconds),
    stdin: script(query, mark),
    timeoutSeconds: timeoutSeconds + GRACE_SECONDS,
  })
  if (result.exitCode === null) return { passed: false, why: 'timed-out' }
  return verdict(result, mark)
}

/** As start-up options they win over what the role or the database sets (PostgreSQL manual, 20.1.3). */
const environment = (login: ClientLogin, timeoutSeconds: number) => ({
  PGHOST: login.host,
  PGPORT: String(login.port),
  PGUSER: login.user,
  PGPASSWORD: login.password,
  PGDATABASE: login.database,
  PGAPPNAME: 'undrop',
  PGCLIENTENCODING: 'UTF8',
  PGCONNECT_TIMEOUT: '5',
  PGOPTIONS: `-c default_transaction_read_only=on -c statement_timeout=${timeoutSeconds}s -c lock_timeout=10s -c client_min_messages=error`,
})

/**
 * psql itself never reads the query, in which a backslash would begin a command of its own, such as one for the shell:
 * the query goes in as digits, and \gexec sends what they stand for to the server as it is. Several statements would
 * run there, so it is opened by a function before that takes a single one, and does not run it.
 */
function script(query: string, mark: string): string {
  const digits = Buffer.from(query, 'utf8').toString('hex')
  const text = `pg_catalog.convert_from(pg_catalog.decode('${digits}', 'hex'), 'UTF8')`
  return `
\\set VERBOSITY sqlstate
\\set SHOW_CONTEXT never
\\pset fieldsep_zero on
\\pset recordsep_zero on
\\pset null ${mark}
BEGIN READ ONLY;
SELECT pg_catalog.query_to_xmlschema(${text}, false, false, '') IS NULL \\g /dev/null
SELECT pg_catalog.concat('DECLARE probe NO SCROLL CURSOR FOR ', ${text}) \\gexec
FETCH 1 FROM probe \\gdesc
\\echo ${mark}
FETCH 1 FROM probe;
`
}

/** Several statements, or such as no cursor can be opened for: the grammar's word for that is a syntax error. */
const NO_CURSOR = '42P11'
const SYNTAX_ERROR = '42601'

function verdict({ stdout, stderr }: CommandResult, mark: string): ProbeResult {
  // FATAL is said by a server that ends the session, never by a query.
  const code = /^ERROR: +([0-9A-Z]{5})$/m.exec(stderr)?.[1]
  if (code !== undefined)
    return { passed: false, why: 'error', code: code === NO_CURSOR ? SYNTAX_ERROR : code }
  const begin = stdout.indexOf(`${mark}\n`)
  if (!stderr.endsWith('exit 0\n') || begin < 0) return { passed: false, why: 'unanswered' }
  const [, type] = stdout.slice(0, begin).split('\0')
  const row = stdout.slice(begin + mark.length + 1)
  // Without a column there is no telling how many rows there are.
  if (type === undefined) return { passed: false, why: 'null' }
  if (row === '') return { passed: false, why: 'no-row' }
  const [first] = row.split('\0', 1)
  if (first === mark) return { passed: false, why: 'null' }
  return type === 'boolean' && first === 'f' ? { passed: false, why: 'false' } : { passed: true }
}
