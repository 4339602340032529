import type pg from 'pg'

/** Bytes of all databases of a server. */
export async function clusterSize(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    'select sum(pg_database_size(oid)) as bytes from pg_database',
  )
  return Number(rows[0]?.bytes ?? 0)
}
