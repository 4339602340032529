import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { applyMigrations } from '../../src/db/migrations.ts'
import { startCluster, type TestCluster } from './postgres-cluster.ts'
import { serverGround } from './server-ground.ts'

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

async function makeTemplate(cluster: TestCluster): Promise<void> {
  const client = new pg.Client({ ...cluster, database: 'postgres' })
  await client.connect()
  await client.query(`create database ${TEMPLATE_DATABASE}`)
  await client.end()
  await applyMigrations({ ...cluster, database: TEMPLATE_DATABASE })
}
