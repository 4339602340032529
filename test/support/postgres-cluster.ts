import { globSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { ServerGround } from './server-ground.ts'

/** The superuser of a cluster of the tests; `host` is the directory of its Unix socket. */
export interface TestCluster {
  host: string
  port: number
  user: string
}

/**
 * Starts a throw-away PostgreSQL cluster that trusts everybody, over its Unix socket.
 * @param listenAddresses for a network as well
 */
export async function startCluster(
  ground: ServerGround,
  { port = 5432, listenAddresses = '' } = {},
): Promise<TestCluster> {
  const data = join(ground.directory, 'data')
  const cluster = { host: ground.directory, port, user: 'postgres' }
  await ground.run(postgresProgram('initdb'), [
    ...['--pgdata', data, '--username', cluster.user, '--auth', 'trust'],
    ...['--encoding', 'UTF8', '--no-locale', '--no-sync'],
  ])
  const settings = {
    listen_addresses: listenAddresses,
    port: cluster.port,
    unix_socket_directories: cluster.host,
    max_connections: 200,
    // Nobody misses it after a crash.
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  await ground.start(postgresProgram('postgres'), ['-D', data, ...flags], () => accepts(cluster))
  return cluster
}

function postgresProgram(name: 'initdb' | 'postgres'): string {
  const found = globSync(`/usr/lib/postgresql/*/bin/${name}`)
  const versionOf = (path: string) => Number(path.split('/')[4])
  return found.sort((one, other) => versionOf(other) - versionOf(one))[0] ?? name
}

async function accepts(cluster: TestCluster): Promise<boolean> {
  const client = new pg.Client({ ...cluster, database: 'postgres' })
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end()
  }
}
