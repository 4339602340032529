import { join } from 'node:path'
import pg from 'pg'
import type { Undrop } from './undrop.ts'

interface Endpoint {
  port: number
}

/** Runs statements on an add-on's server as Undrop's own superuser, over the private socket. */
export async function asAdmin<Row extends object>(
  undrop: Undrop,
  { port }: Endpoint,
  text: string,
  database = 'postgres',
): Promise<Row[]> {
  const serverId = await serverIdOf(undrop, { port })
  return run(join(undrop.directory, 'run', serverId), port, database, text)
}

/** The server that an add-on's port is reserved for. */
export async function serverIdOf(undrop: Undrop, { port }: Endpoint): Promise<string> {
  const [server] = await metadata<{ id: string }>(undrop, `select id from undrop.server where port = ${port}`)
  if (server === undefined) throw new Error(`no server has port ${port}`)
  return server.id
}

/** Runs statements in the embedded metadata database. */
export function metadata<Row extends object>({ directory }: Undrop, text: string): Promise<Row[]> {
  return run(metadataSocketDirectory(directory), 5432, 'undrop', text)
}

export const metadataSocketDirectory = (directory: string): string => join(directory, 'run', 'metadata')

async function run<Row extends object>(
  host: string,
  port: number,
  database: string,
  text: string,
): Promise<Row[]> {
  const client = new pg.Client({ host, port, database, user: 'undrop_admin' })
  client.on('error', () => {})
  try {
    await client.connect()
    const results: pg.QueryResult<Row> | pg.QueryResult<Row>[] = await client.query<Row>(text)
    // Several statements in one text have several results, which the types do not say.
    return (Array.isArray(results) ? results : [results]).flatMap(({ rows }) => rows)
  } finally {
    await client.end()
  }
}
