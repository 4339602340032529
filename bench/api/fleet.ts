import { sql } from 'kysely'
import pg from 'pg'
import { openDb, openPool } from '../../src/db/client.ts'
import { applyMigrations } from '../../src/db/migrations.ts'
import { hashApiKey, newApiKeySecret } from '../../src/domain/credentials.ts'
import type { TestCluster } from '../../test/support/postgres-cluster.ts'

/** A tenant of the benchmark, with a key. */
export interface BenchTenant {
  id: string
  secret: string
  /** One of its add-ons. */
  addonId: string
}

const CROWD_TENANTS = 1000

/**
 * A metadata database with a tenant of 100 add-ons, one of 100,000, and a thousand that have 100 each: rows alone, no
 * servers. One host has not as many ports; only the first tenant's servers have any.
 */
export async function prepareFleet(cluster: TestCluster, database: string) {
  const connection = { ...cluster, database }
  await asSuperuser({ ...cluster, database: 'postgres' }, `create database ${database}`)
  await applyMigrations(connection)
  const db = openDb(openPool({ pool: connection, role: 'undrop_worker' }, 1))
  const addTenant = async (number: number, addons: number): Promise<BenchTenant> => {
    const id = benchId('tnt', number)
    const secret = newApiKeySecret()
    await sql`insert into tenant (id, name, max_concurrent_operations) values (${id}, 'bench', 1)`.execute(db)
    await sql`
      insert into api_key (id, tenant_id, name, secret_hash, scopes)
      values (${benchId('key', number)}, ${id}, 'bench', ${hashApiKey(secret)}, '{admin}')`.execute(db)
    await sql`
      with new as (
        select ${`addon_01${digits(number, 10)}`} || lpad(n::text, 14, '0') as addon_id,
               ${`srv_01${digits(number, 10)}`} || lpad(n::text, 14, '0') as server_id, n
          from generate_series(1, ${addons}::int) n
      ), addons as (
        insert into addon (id, tenant_id, name, status, protection, postgres_version, database_name, username,
                           password_sealed, server_id, labels)
        select addon_id, ${id}, 'db-' || n, 'available', 'protected', 15, 'app', 'owner', 'sealed', server_id,
               '{"app": "shop", "stage": "production"}' from new
      ), servers as (
        insert into server (id, tenant_id, addon_id, port, desired_state)
        select server_id, ${id}, addon_id, case when ${number}::int = 1 then 20000 + n end, 'running' from new
      )
      insert into archive (server_id, tenant_id, cipher_pass_sealed, archiving_since, schedule_stale, drill_stale)
      select server_id, ${id}, 'sealed', now(), false, false from new`.execute(db)
    return { id, secret, addonId: benchId(`addon_01${digits(number, 10)}`, 1) }
  }
  const few = await addTenant(1, 100)
  const many = await addTenant(2, 100_000)
  for (let number = 3; number < CROWD_TENANTS + 3; number++) await addTenant(number, 100)
  await db.destroy()
  await asSuperuser(connection, 'vacuum analyze')
  return { few, many, connection }
}

const digits = (number: number, width: number) => String(number).padStart(width, '0')

/** As `newId` makes them, but in order: 26 digits after the prefix. */
function benchId(prefix: string, number: number): string {
  const start = prefix.includes('_') ? prefix : `${prefix}_`
  const given = start.split('_')[1]?.length ?? 0
  return start + digits(number, 26 - given)
}

async function asSuperuser(connection: pg.ClientConfig, statement: string): Promise<void> {
  const client = new pg.Client(connection)
  await client.connect()
  await client.query(statement)
  await client.end()
}
