import { sql } from 'kysely'
import type { Executor } from './client.ts'

/** The names of the migrations that the metadata database has had. */
export async function appliedMigrations(db: Executor): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from undrop.kysely_migration`.execute(db)
  return rows.map(({ name }) => name)
}

/**
 * A process goes with one state of the tables.
 * @throws Error when the database misses migrations of this code, or has had some that this code does not know
 */
export function assertSameMigrations(applied: readonly string[], known: readonly string[]): void {
  const missing = known.filter((name) => !applied.includes(name))
  if (missing.length > 0)
    throw new Error(`the metadata database misses ${missing.join(', ')}: run npm run migrate`)
  const newer = applied.filter((name) => !known.includes(name))
  if (newer.length > 0) throw new Error(`the metadata database is newer than this code: ${newer.join(', ')}`)
}
