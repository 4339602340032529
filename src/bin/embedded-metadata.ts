import { mkdir } from 'node:fs/promises'
import type pg from 'pg'
import { hbaLocked, identMap } from '../postgres/access.ts'
import { untilAdmitted } from '../postgres/admission.ts'
import { withAdmin } from '../postgres/connect.ts'
import { postgresqlConf } from '../postgres/settings.ts'
import type { Host } from './host.ts'

const CLUSTER = 'metadata'
const DATABASE = 'undrop'
/** Names the socket only: the cluster listens on no network. */
const PORT = 5432
const START_SECONDS_MAX = 60

export interface EmbeddedMetadata {
  connection: pg.PoolConfig
  /** Whether it did not run before. */
  started: boolean
  stop(): Promise<void>
}

/**
 * The private PostgreSQL cluster for the metadata, under the data directory: made where it is missing, started where it
 * does not run. It is reached over its own socket by us and the OS user alone, and it outlives a process that is killed.
 */
export async function openEmbeddedMetadata(host: Host): Promise<EmbeddedMetadata> {
  const { metadataDriver: driver, adminOsUsers } = host
  const [version] = driver.postgresVersions()
  if (version === undefined) throw new Error('No PostgreSQL server programs were found')
  await mkdir(host.metadataDirectory, { recursive: true, mode: 0o711 })
  await driver.ensureInstance(CLUSTER)
  await initialise(host, version)
  await driver.writeConfig(CLUSTER, {
    'postgresql.conf': `${postgresqlConf({ settings: {}, archiveCommand: '' })}\narchive_mode = off\ntrack_commit_timestamp = off\n`,
    'pg_hba.conf': hbaLocked(),
    'pg_ident.conf': identMap(adminOsUsers),
  })
  const started = (await driver.postgresState(CLUSTER)) !== 'running'
  await driver.startPostgres(CLUSTER, version, { port: PORT, listenAddresses: '' })

  const connection = { socketDirectory: driver.paths(CLUSTER).socketDirectory, port: PORT }
  if (!(await untilAdmitted(connection, START_SECONDS_MAX)))
    throw new Error(`The metadata cluster does not start; see ${driver.paths(CLUSTER).logFile}`)
  await withAdmin(connection, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE])
    if (rowCount === 0) await client.query(`create database ${DATABASE}`)
  })
  return {
    connection: { host: connection.socketDirectory, port: PORT, user: 'undrop_admin', database: DATABASE },
    started,
    stop: () => driver.stopPostgres(CLUSTER, 'fast'),
  }
}

async function initialise({ metadataDriver: driver }: Host, version: number): Promise<void> {
  if ((await driver.postgresState(CLUSTER)) !== 'no-data') return
  const { dataDirectory } = driver.paths(CLUSTER)
  const argv = [
    driver.program(version, 'initdb'),
    `--pgdata=${dataDirectory}`,
    '--username=undrop_admin',
    '--auth=peer',
    '--encoding=UTF8',
    '--locale=C.UTF-8',
    '--no-instructions',
  ] as const
  const { exitCode, stderr } = await driver.run(CLUSTER, { argv })
  if (exitCode !== 0) throw new Error(`The metadata cluster cannot be initialised: ${stderr}`)
}
