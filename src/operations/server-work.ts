import { join } from 'node:path'
import type pg from 'pg'
import type { ArchiveAccess, BackupEngine, EngineServer } from '../backup/engine.ts'
import type { Db, Executor } from '../db/client.ts'
import { getServer, reservePort, type ServerRecord } from '../db/servers.ts'
import type { ServerSettings } from '../domain/addon.ts'
import type { CompleteBackupPolicy } from '../domain/backup-policy.ts'
import { Problem } from '../domain/problem.ts'
import { PortTakenError, type ServerDriver } from '../drivers/driver.ts'
import { hbaLocked, hbaPrivate, hbaServing, identMap } from '../postgres/access.ts'
import { type AdminConnection, withAdmin } from '../postgres/connect.ts'
import { postgresqlConf } from '../postgres/settings.ts'
import { type KeyRing, sealContext } from '../secrets/key-ring.ts'
import { storageKeysOf } from '../secrets/storage-keys.ts'
import type { ArchiveStore } from '../storage/archive-store.ts'
import { CERTIFICATE_FILE, ensureCertificate } from './server-certificate.ts'

/** What steps work with, for the length of one turn. */
export interface WorkDeps {
  db: Db
  /** Refuses to start or change anything once the lease is gone. */
  driver: ServerDriver
  engine: BackupEngine
  archives: ArchiveStore
  keyRing: KeyRing
  ports: { first: number; last: number }
  listenAddresses: string
  /** The host at which clients reach servers, which certificates name. */
  endpointHost: string
  /** PostgreSQL settings that suit the host, for servers that have none of their own. */
  hostSettings: ServerSettings
  /** OS users that may be `undrop_admin` over a server's private socket. */
  adminOsUsers: readonly string[]
  /** What tenants have that say nothing else. */
  platformPolicy: CompleteBackupPolicy
  /** How many base backups may run on this host at once. */
  backupsMax: number
  /** How often the files of each archive are listed, to find gaps and measure them. */
  surveyEverySeconds: number
  /** The engine's configuration as this process has last written it, by server: see `refresh-config.ts`. */
  writtenConfigs: WrittenConfigs
  /** Digests of what servers have been told to read by this process, by server: see `refresh-server.ts`. */
  loadedConfigs: Map<string, string>
  /** To be called before an effect that goes past the driver, such as SQL on a server. */
  assertHeld(): void
}

/** Digests, as configurations hold secrets, and when they were written (milliseconds since the epoch). */
export type WrittenConfigs = Map<string, { digest: string; at: number }>

export interface ServerRef {
  tenantId: string
  serverId: string
}

export const loadServer = (deps: WorkDeps, { tenantId, serverId }: ServerRef): Promise<ServerRecord> =>
  getServer(deps.db, tenantId, serverId)

/** The server as pgBackRest sees it. */
export function engineServer(deps: WorkDeps, server: ServerRecord): EngineServer {
  return {
    serverId: server.serverId,
    postgresVersion: server.postgresVersion,
    port: portOf(server),
    paths: deps.driver.paths(server.serverId),
  }
}

/** @param access `read` for a server that only restores from the archive of another one */
export function archiveAccess(
  deps: WorkDeps,
  server: ServerRecord,
  access: 'write' | 'read' = 'write',
): ArchiveAccess {
  const keys = storageKeysOf(deps.keyRing, server.tenantId, server.storageKeySealed)
  return {
    serverId: server.serverId,
    repository: deps.archives.repositoryOf(server, access, keys),
    cipherPass: deps.keyRing.open(server.cipherPassSealed, sealContext.archiveCipher(server.serverId)),
  }
}

/** How `undrop_admin` reaches the server: over its private socket, as whoever the OS says we are. */
export function adminConnection(deps: WorkDeps, server: ServerRecord) {
  return { socketDirectory: deps.driver.paths(server.serverId).socketDirectory, port: portOf(server) }
}

/** Runs something as our admin, unless the lease has run out by the time that the session is there. */
export function asAdmin<Result>(
  deps: WorkDeps,
  connection: AdminConnection,
  use: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  return withAdmin(connection, (client) => {
    deps.assertHeld()
    return use(client)
  })
}

/** Who may connect, and what the server does with its WAL. */
export interface ServerMode {
  /** Locked: nobody but Undrop. Private: its own roles too, over the socket that only Undrop reaches. */
  access: 'locked' | 'private' | 'serving'
  /** Whether WAL goes to the archive; until it does, it waits in `pg_wal`. */
  archiving: boolean
  /** Settings for the time of a recovery; '' outside of one. */
  recovery: string
}

const HBA = { locked: hbaLocked, private: hbaPrivate, serving: hbaServing }

/** Writes everything the server reads at its start and at a reload. */
export async function writeServerConfig(
  deps: WorkDeps,
  server: ServerRecord,
  mode: ServerMode,
): Promise<void> {
  await ensureCertificate(deps, server.serverId, deps.db)
  await deps.driver.writeConfig(server.serverId, serverConfig(deps, server, mode))
}

/** PostgreSQL's own configuration files, by name. */
export function serverConfig(
  deps: WorkDeps,
  server: ServerRecord,
  mode: ServerMode,
): Record<'postgresql.conf' | 'pg_hba.conf' | 'pg_ident.conf', string> {
  const conf = postgresqlConf({
    settings: { ...deps.hostSettings, ...server.settings },
    archiveCommand: mode.archiving ? deps.engine.archiveCommand(engineServer(deps, server)) : '',
    certificateFile: join(deps.driver.paths(server.serverId).configDirectory, CERTIFICATE_FILE),
  })
  return {
    'postgresql.conf': conf + mode.recovery,
    'pg_hba.conf': HBA[mode.access](),
    'pg_ident.conf': identMap(deps.adminOsUsers),
  }
}

/** Somebody who takes every port we try is not outrun. */
const PORTS_TRIED_MAX = 10

/** Starts postgres, on another port when somebody else has taken the reserved one. Returns the server as it is then. */
export async function startServer(
  deps: WorkDeps,
  server: ServerRecord,
  db: Executor = deps.db,
  taken: readonly number[] = [],
): Promise<ServerRecord> {
  const port = portOf(server)
  // A reboot may have taken the directory of the socket.
  await deps.driver.ensureInstance(server.serverId)
  // Nor would it start without a certificate, and one that has not run for long may be past its end.
  await ensureCertificate(deps, server.serverId, db)
  try {
    await deps.driver.startPostgres(server.serverId, server.postgresVersion, {
      port,
      listenAddresses: deps.listenAddresses,
    })
    return server
  } catch (error) {
    if (!(error instanceof PortTakenError)) throw error
    deps.assertHeld()
    const tried = [...taken, port]
    const next = tried.length < PORTS_TRIED_MAX ? await reservePort(db, server, deps.ports, tried) : null
    if (next === null) throw new Problem('no-port-available')
    return startServer(deps, { ...server, port: next }, db, tried)
  }
}

export function portOf(server: ServerRecord): number {
  if (server.port === null) throw new Error(`server ${server.serverId} has no port`)
  return server.port
}

/** Gives the server a port if it has none. */
export async function ensurePort(deps: WorkDeps, server: ServerRecord): Promise<void> {
  if (server.port !== null) return
  deps.assertHeld()
  if ((await reservePort(deps.db, server, deps.ports)) === null) throw new Problem('no-port-available')
}
