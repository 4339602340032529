import { ADMIN_ROLE } from '../domain/admin-role.ts'
import { type AdminConnection, SESSION_OPTIONS } from './connect.ts'

interface AmcheckTask {
  argv: readonly [string, ...string[]]
  env: Readonly<Record<string, string>>
}

/**
 * `pg_amcheck` of tables and B-tree indexes in every database, with the extension installed where it is missing. Without
 * `--heapallindexed`: that runs the functions of index expressions, and calls one that needs a search path damage.
 */
export function amcheckTask(program: string, { socketDirectory, port }: AdminConnection): AmcheckTask {
  return {
    argv: [
      program,
      `--host=${socketDirectory}`,
      `--port=${port}`,
      `--username=${ADMIN_ROLE}`,
      '--no-password',
      '--all',
      '--install-missing',
    ],
    env: { PGOPTIONS: SESSION_OPTIONS },
  }
}

/** Exit status of `pg_amcheck` when it has found damage (src/bin/pg_amcheck/pg_amcheck.c). */
const DAMAGE = 2

/** How many tables and indexes are damaged; null when the check itself has failed. */
export function damagedRelations(report: { exitCode: number | null; stdoutTail: string }): number | null {
  if (report.exitCode === 0) return 0
  if (report.exitCode !== DAMAGE) return null
  const names = [...report.stdoutTail.matchAll(/^(?:heap table|btree index) "(?:[^"]|"")*"/gm)]
  return Math.max(1, new Set(names.map(([name]) => name)).size)
}
