import { globSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { applyMigrations } from '../../src/db/migrations.ts'
import { type ServerGround, serverGround } from './server-ground.ts'

/** The superuser of the tests' PostgreSQL cluster; `host` is the directory of its Unix socket. */
export interface TestCluster {
  host: string
  port: number
  user: string
}

declare module 'vitest' {
  interface ProvidedContext {
    testCluster: TestCluster
  }
}

/** The database that `freshMetadata` copies: migrations applied, no rows. */
export const TEMPLATE_DATABASE = 'undrop_template'

/** Starts one throw-away PostgreSQL cluster for the metadata databases of all tests. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using stack = new AsyncDisposableStack()
  const cluster = await startCluster(stack.use(await serverGround()))
  await makeTemplate(cluster)
  project.provide('testCluster', cluster)
  const started = stack.move()
  return () => started.disposeAsync()
}

async function startCluster(ground: ServerGround): Promise<TestCluster> {
  const data = join(ground.directory, 'data')
  const cluster = { host: ground.directory, port: 5432, user: 'postgres' }
  await ground.run(postgresProgram('initdb'), [
    ...['--pgdata', data, '--username', cluster.user, '--auth', 'trust'],
    ...['--encoding', 'UTF8', '--no-locale', '--no-sync'],
  ])
  const settings = {
    listen_addresses: '',
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

async function makeTemplate(cluster: TestCluster): Promise<void> {
  const client = new pg.Client({ ...cluster, database: 'postgres' })
  await client.connect()
  await client.query(`create database ${TEMPLATE_DATABASE}`)
  await client.end()
  await applyMigrations({ ...cluster, database: TEMPLATE_DATABASE })
}
