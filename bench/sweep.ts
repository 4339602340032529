import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import pg from 'pg'
import { type Db, openDb, openPool } from '../src/db/client.ts'
import { applyMigrations } from '../src/db/migrations.ts'
import { DEFAULT_POLICY } from '../src/domain/backup-policy.ts'
import { sweep } from '../src/operations/sweeper.ts'
import { keyRing } from '../src/secrets/key-ring.ts'
import { startCluster, type TestCluster } from '../test/support/postgres-cluster.ts'
import { serverGround } from '../test/support/server-ground.ts'
import { median, printFigure } from './support/bench.ts'

// What a sweep costs with few add-ons and with many, of which as many are due: rows alone, no servers.

const [FEW, MANY] = [10, 10_000]
const DUE = 10
const ROUNDS = 31
const BACKUPS_MAX = 4
/** Of the medians: a sweep is bound by what is due. */
const RATIO_MAX = 2

await using ground = await serverGround()
const cluster = await startCluster(ground)
const few = await prepare('few', FEW)
const many = await prepare('many', MANY)
const seconds = { few: [] as number[], many: [] as number[] }
// Side by side, so that whatever else the machine does meets both.
for (let round = 0; round < ROUNDS; round++) {
  seconds.few.push(await timeSweep(few))
  seconds.many.push(await timeSweep(many))
}
console.log(`sweep, ${DUE} backups due, ${ROUNDS} rounds, medians in milliseconds`)
printFigure(`${FEW} add-ons`, median(seconds.few) * 1000)
printFigure(`${MANY} add-ons`, median(seconds.many) * 1000)
const passed = printFigure('ratio', median(seconds.many) / median(seconds.few), RATIO_MAX)
await Promise.all([few.destroy(), many.destroy()])
process.exitCode = passed ? 0 : 1

/** A metadata database with so many protected add-ons. */
async function prepare(database: string, addons: number): Promise<Db> {
  await asSuperuser(cluster, 'postgres', `create database ${database}`)
  const connection = { ...cluster, database }
  await applyMigrations(connection)
  const db = openDb(openPool({ pool: connection, role: 'undrop_worker' }))
  await sql`insert into tenant (id, name) values ('tnt', 'bench')`.execute(db)
  await sql`
    with new as (
      select 'addon_' || n as addon_id, 'srv_' || n as server_id from generate_series(1, ${addons}::int) n
    ), addons as (
      insert into addon (id, tenant_id, name, status, protection, postgres_version, database_name, username,
                         password_sealed, server_id)
      select addon_id, 'tnt', addon_id, 'available', 'protected', 15, 'app', 'owner', 'sealed', server_id from new
    ), servers as (
      insert into server (id, tenant_id, addon_id) select server_id, 'tnt', addon_id from new
    ), backups as (
      insert into backup (id, tenant_id, addon_id, server_id, type, status, label, backup_stopped_at)
      select 'bak_' || server_id, 'tnt', addon_id, server_id, 'full', 'succeeded', '20261123-130000F', now() from new
    )
    insert into archive (server_id, tenant_id, cipher_pass_sealed, archiving_since, schedule_stale)
    select server_id, 'tnt', 'sealed', now(), false from new`.execute(db)
  await asSuperuser(cluster, database, 'analyze')
  return db
}

/** Seconds of one sweep that finds the same number of backups due, and opens as many as may run. */
async function timeSweep(db: Db): Promise<number> {
  await sql`delete from operation`.execute(db)
  await sql`delete from backup where scheduled`.execute(db)
  await sql`
    update archive set next_backup_type = 'full', next_backup_at = now() +
           case when server_id in (select server_id from archive order by server_id limit ${DUE})
                then interval '-1 second' else interval '1 day' end
     where next_backup_at is null or next_backup_at < now() + interval '1 hour'`.execute(db)
  const startedAt = performance.now()
  await sweep({
    db,
    doorbell: { ring: async () => {} },
    keyRing: keyRing([randomBytes(32)]),
    platformPolicy: DEFAULT_POLICY,
    backupsMax: BACKUPS_MAX,
    eventsKeptDays: 30,
  })
  return (performance.now() - startedAt) / 1000
}

async function asSuperuser(on: TestCluster, database: string, statement: string): Promise<void> {
  const client = new pg.Client({ ...on, database })
  await client.connect()
  await client.query(statement)
  await client.end()
}
