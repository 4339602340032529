import { randomBytes } from 'node:crypto'
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import { sql } from 'kysely'
import type pg from 'pg'
import { onTestFinished } from 'vitest'
import { type Db, type MetadataConnection, openDb, openPool, scopedDb } from '../../../src/db/client.ts'
import { openEventFeed } from '../../../src/db/event-feed.ts'
import type { TenantScope } from '../../../src/db/tenant-scope.ts'
import { DEFAULT_POLICY } from '../../../src/domain/backup-policy.ts'
import { hashApiKey, newApiKeySecret } from '../../../src/domain/credentials.ts'
import { newId } from '../../../src/domain/ids.ts'
import type { Moment } from '../../../src/domain/moment.ts'
import { NO_QUOTAS } from '../../../src/domain/quotas.ts'
import type { Scope } from '../../../src/domain/scopes.ts'
import { buildServer, type ServerDeps, type ServerOptions } from '../../../src/http/server.ts'
import { webhookTargets } from '../../../src/notify/webhooks/targets.ts'
import { signingAuthority } from '../../../src/operations/certificate-authority.ts'
import type { WakeUp } from '../../../src/operations/wake-up.ts'
import { keyRing } from '../../../src/secrets/key-ring.ts'
import { eventStreams, STREAM_LIMITS, type StreamLimits } from '../../../src/services/event-streams.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { fakeArchives } from '../../support/fake/driver.ts'
import { newLife } from '../../support/fake/life.ts'
import { emptyWorld } from '../../support/fake/world.ts'
import { freshMetadata } from '../../support/metadata-database.ts'

export const ENDPOINT_HOST = 'db.example.test'
/** Later than every backup the tests make. */
export const NOW: Moment = '2026-11-23T14:00:00.500000Z'

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Calls the API with one key. */
export type Client = (
  method: Method,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<LightMyRequestResponse>

export interface TestTenant {
  id: string
  client: Client
  keyId: string
  /** Of its key. */
  secret: string
  /** Its key's. */
  authorization: string
}

export interface Api {
  db: Db
  /** For sessions of one's own. */
  connection: MetadataConnection
  app: ReturnType<typeof buildServer>
  /** Another process of the API on the same metadata, and how it is stopped. */
  serve: () => { app: ReturnType<typeof buildServer>; stop: () => Promise<void> }
  /** What the API was given to work with, on this pool. */
  deps: ServerDeps
  pool: pg.Pool
  platform: Client
  /** The platform key's. */
  authorization: string
  /** What has been rung for so far. */
  rung: WakeUp[]
  /** What has been logged so far. */
  logged: () => string
  /** A tenant and a client with a key of its own, which has the default scopes where none are given. */
  newTenant: (scopes?: readonly Scope[]) => Promise<TestTenant>
  clientWith: (secret: string) => Client
}

/**
 * The API on a metadata database of its own, as the API process runs it; the lists of work are only recorded. Streams
 * end soon unless `streamLimits` say something else.
 */
export async function startApi(
  overrides: Partial<ServerDeps> = {},
  {
    authority = true,
    streamLimits = { lifetimeSeconds: 0.2 },
    ...options
  }: ServerOptions & { authority?: boolean; streamLimits?: Partial<StreamLimits> } = {},
): Promise<Api> {
  const { db: unscopedDb, pool, connection } = await freshMetadata('undrop_api')
  if (authority) await makeAuthority(connection)
  const dbOf = (scope: TenantScope) => scopedDb(pool, scope)
  const db = dbOf('every-tenant')
  // Dropping the database may reach a connection before its own end does.
  pool.on('error', () => {})
  const platformKey = newApiKeySecret()
  const rung: WakeUp[] = []
  const lines: string[] = []
  const shared: Omit<ServerDeps, 'eventStreams'> = {
    dbOf,
    unscopedDb,
    doorbell: { ring: async (wakeUp) => void rung.push(wakeUp) },
    keyRing: keyRing([randomBytes(32)]),
    platformKeyHash: hashApiKey(platformKey),
    endpointHost: ENDPOINT_HOST,
    postgresVersions: () => [16, 15],
    archives: fakeArchives(emptyWorld(), newLife()),
    // Every name has a public address.
    webhookTargets: webhookTargets({
      allowedNetworks: [],
      allowHttp: false,
      resolveHost: async () => ['93.184.215.14'],
    }),
    platformPolicy: DEFAULT_POLICY,
    platformQuotas: NO_QUOTAS,
    checks: {},
    now: () => NOW,
    logger: createLogger({ level: 'trace' }, { write: (line) => void lines.push(line) }),
  }
  const serve = () => {
    const feed = openEventFeed(db, connection, () => {})
    const streams = eventStreams(feed, { ...STREAM_LIMITS, ...streamLimits })
    const deps: ServerDeps = { ...shared, eventStreams: streams, ...overrides }
    const app = buildServer(deps, options)
    let closed: Promise<void> | null = null
    const close = async () => {
      streams.endAll()
      await app.close()
      await feed.close()
    }
    const stop = () => (closed ??= close())
    onTestFinished(stop)
    return { app, deps, stop }
  }
  const { app, deps } = serve()

  const clientWith = (secret: string): Client => {
    return (method, path, body, headers) => {
      const authorization = `Bearer ${secret}`
      const request: InjectOptions = { method, url: path, headers: { authorization, ...headers } }
      return app.inject(body === undefined ? request : { ...request, payload: body as object })
    }
  }
  const platform = clientWith(platformKey)
  const newTenant = async (scopes?: readonly Scope[]) => {
    const tenant = (await platform('POST', '/v1/tenants', { name: 'Acme' })).json()
    const key = (await platform('POST', `/v1/tenants/${tenant.id}/api-keys`, { name: 'test', scopes })).json()
    const { id: keyId, secret } = key as { id: string; secret: string }
    const authorization = `Bearer ${secret}`
    return { id: tenant.id as string, client: clientWith(secret), keyId, secret, authorization }
  }
  const authorization = `Bearer ${platformKey}`
  const logged = () => lines.join('')
  return {
    ...{ db, connection, app, serve, deps, pool },
    ...{ platform, authorization, rung, logged, newTenant, clientWith },
  }
}

/** As a worker does when it starts. */
const makeAuthority = (connection: MetadataConnection): Promise<void> =>
  asWorker(connection, async (db) => void (await signingAuthority(db, keyRing([randomBytes(32)]))))

/** For what the API's role has no right to. */
export async function asWorker(
  connection: MetadataConnection,
  work: (db: Db) => Promise<void>,
): Promise<void> {
  const db = openDb(openPool({ ...connection, role: 'undrop_worker' }, 1))
  await work(db)
  await db.destroy()
}

/** Creates an add-on and brings it to where its workflows would: available, its first operation done. */
export async function availableAddon(db: Db, client: Client, name = `db-${randomBytes(6).toString('hex')}`) {
  const { id } = (await client('POST', '/v1/addons', { name })).json() as { id: string }
  await db.updateTable('addon').set({ status: 'available' }).where('id', '=', id).execute()
  await finishOperations(db, id)
  const addon = await db.selectFrom('addon').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const port = 20_000 + Math.floor(Math.random() * 10_000)
  await db
    .updateTable('server')
    .set({ port, desired_state: 'running' })
    .where('id', '=', addon.server_id)
    .execute()
  return { ...addon, port }
}

/** A further credential of the add-on, as its workflow would leave it: active. */
export async function activeCredential(db: Db, client: Client, addonId: string, name = 'reporting') {
  const body = { name, access: 'read-only' }
  const { id } = (await client('POST', `/v1/addons/${addonId}/credentials`, body)).json() as { id: string }
  await db.updateTable('credential').set({ status: 'active' }).where('id', '=', id).execute()
  return id
}

/** An endpoint with a delivery. */
export async function webhookEndpoint(client: Client): Promise<{ endpointId: string; deliveryId: string }> {
  const url = 'https://hooks.example.com/undrop'
  const { id: endpointId } = (await client('POST', '/v1/webhook-endpoints', { url })).json()
  const { id: deliveryId } = (await client('POST', `/v1/webhook-endpoints/${endpointId}/test`)).json()
  return { endpointId, deliveryId }
}

/** Ends what is open for the add-on, as workers would. */
export async function finishOperations(db: Db, addonId: string): Promise<void> {
  await db
    .updateTable('operation')
    .set({ status: 'succeeded', finished_at: sql`now()` })
    .where('addon_id', '=', addonId)
    .where('finished_at', 'is', null)
    .execute()
}

/** A complete backup of the add-on that stopped at that moment, and needs WAL from that location on. */
export async function completeBackup(
  db: Db,
  addon: { id: string; tenant_id: string; server_id: string },
  stoppedAt: Moment = '2026-11-23T13:00:00.000000Z',
  startLsn = '0/3000028',
): Promise<string> {
  const id = newId('backup')
  const owner = { tenant_id: addon.tenant_id, addon_id: addon.id, server_id: addon.server_id }
  await db
    .insertInto('backup')
    .values({
      id,
      ...owner,
      type: 'full',
      status: 'succeeded',
      label: id,
      timeline: 1,
      start_lsn: startLsn,
      stop_lsn: startLsn.replace('28', '100').replace(/000100$/, '00100'),
      size_bytes: 1_000_000,
      backup_stopped_at: stoppedAt,
    })
    .execute()
  return id
}

const TABLES = [
  'tenant',
  'api_key',
  'addon',
  'server',
  'archive',
  'backup',
  'restore',
  'restore_point',
  'drill',
  'credential',
  'old_login',
  'operation',
  'outbox_event',
  'audit_entry',
  'webhook_endpoint',
  'webhook_secret',
  'webhook_delivery',
] as const

/** How many rows each table has. */
export async function rowCounts(db: Db): Promise<Record<string, number>> {
  const counts = TABLES.map(async (table) => {
    const { rows } = await sql<{ count: number }>`select count(*) from ${sql.table(table)}`.execute(db)
    return [table, rows[0]?.count ?? 0] as const
  })
  return Object.fromEntries(await Promise.all(counts))
}

/** The last part of a problem's type. */
export function codeOf(response: LightMyRequestResponse): string | undefined {
  return (response.json() as { type: string }).type.split('/').at(-1)
}
