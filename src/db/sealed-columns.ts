import { sql } from 'kysely'
import type { Executor } from './client.ts'

/** Where sealed secrets are: `v1.<key id>.…`, as `src/secrets/key-ring.ts` writes them. */
export interface SealedColumn {
  table: string
  idColumn: string
  column: string
  /** What the value in the row of that id is bound to. */
  contextOf(id: string): string
}

export interface SealedValue {
  id: string
  sealed: string
}

/** Ids of the keys that the values of a column are sealed by. */
export async function keyIdsInUse(db: Executor, { table, column }: SealedColumn): Promise<string[]> {
  const { rows } = await sql<{ keyId: string }>`
    select distinct split_part(${sql.ref(column)}, '.', 2) as "keyId" from ${sql.table(table)}
     where ${sql.ref(column)} is not null`.execute(db)
  return rows.map(({ keyId }) => keyId)
}

/** Values that another key has sealed, in order of their ids, from the one after that id. */
export async function findSealedByOthers(
  db: Executor,
  { table, idColumn, column }: SealedColumn,
  keyId: string,
  { after, limit }: { after: string; limit: number },
): Promise<SealedValue[]> {
  const { rows } = await sql<SealedValue>`
    select ${sql.ref(idColumn)} as id, ${sql.ref(column)} as sealed from ${sql.table(table)}
     where split_part(${sql.ref(column)}, '.', 2) <> ${keyId} and ${sql.ref(idColumn)} > ${after}
     order by ${sql.ref(idColumn)} limit ${limit}`.execute(db)
  return rows
}

/** Puts another sealed value in place of the one that was read; whoever has changed it meanwhile wins. */
export async function replaceSealed(
  db: Executor,
  { table, idColumn, column }: SealedColumn,
  { id, sealed }: SealedValue,
  next: string,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update ${sql.table(table)} set ${sql.ref(column)} = ${next}
     where ${sql.ref(idColumn)} = ${id} and ${sql.ref(column)} = ${sealed}`.execute(db)
  return numAffectedRows === 1n
}
