import { sql } from 'kysely'
import { placeEvents } from '../../../../src/db/event-positions.ts'
import { newApiKeySecret } from '../../../../src/domain/credentials.ts'
import { addSeconds } from '../../../../src/domain/moment.ts'
import { DEFAULT_SCOPES, SCOPES, type Scope } from '../../../../src/domain/scopes.ts'
import { type Api, availableAddon, type Client, finishOperations, NOW } from '../test-api.ts'
import { type Estate, KINDS } from './kinds.ts'
import { StatementLog } from './statement-log.ts'

export type Ids = Readonly<Record<string, string>>

export interface Tenant {
  /** With a key that has every scope. */
  client: Client
  /** That key's. */
  authorization: string
  ids: Ids
  /** With a key that has exactly these scopes. */
  clientOf: (scopes: readonly Scope[]) => Promise<Client>
}

/** Two tenants that have one of everything, and keys of all sorts. */
export interface Ground {
  api: Api
  statements: StatementLog
  victim: Tenant
  stranger: Tenant
  /** Authorization headers that open nothing, by what is wrong with them. */
  refused: Readonly<Record<string, string | undefined>>
}

/** @param api asked for nothing yet, so that every statement is seen */
export async function layGround(api: Api): Promise<Ground> {
  const statements = new StatementLog(api.pool)
  const [victim, stranger] = [await settle(api), await settle(api)]
  return { api, statements, victim, stranger, refused: await refusedKeys(api, victim.ids['tenantId'] ?? '') }
}

/** A tenant that has an add-on, and may do everything. */
export async function openEstate(api: Api): Promise<Estate & { authorization: string }> {
  const { id: tenantId, client, authorization } = await api.newTenant(SCOPES)
  const addon = await availableAddon(api.db, client)
  const made: Estate['made'] = async (by, path, body) => {
    const response = await by('POST', path, body)
    const { id } = response.json()
    if (typeof id !== 'string') throw new Error(`the ground could not make ${path}: ${response.body}`)
    return id
  }
  return { api, tenantId, client, authorization, addon, made }
}

/** One of each of these kinds, made for the tenant. */
export async function idsOf(estate: Estate, names: readonly string[]): Promise<Record<string, string>> {
  const ids: Record<string, string> = {}
  for (const name of names) {
    const kind = KINDS[name]
    if (kind === undefined) throw new Error(`the ground does not know ${name}`)
    ids[name] = await kind.of({ ...estate, ids })
  }
  return ids
}

/** A tenant that has one of everything. */
export async function settle(api: Api): Promise<Tenant> {
  const estate = await openEstate(api)
  const { tenantId, client, authorization, addon } = estate
  const ids = await idsOf(estate, Object.keys(KINDS))
  await finishOperations(api.db, addon.id)
  await placeEvents(api.db)

  const clients = new Map<string, Promise<Client>>()
  const clientOf = (scopes: readonly Scope[]) => {
    const known = clients.get(scopes.join())
    const client = known ?? keyWith(api, tenantId, scopes).then(({ secret }) => used(api.clientWith(secret)))
    clients.set(scopes.join(), client)
    return client
  }
  // All that the probes need, so that none is made while they count rows.
  for (const scope of SCOPES) await Promise.all([clientOf(allBut(scope)), clientOf([scope])])
  return { client, authorization, ids, clientOf }
}

/** Every scope but one, and but `admin`, which would stand for it. */
export function allBut(scope: Scope): Scope[] {
  return DEFAULT_SCOPES.filter((each) => each !== scope)
}

async function keyWith({ platform }: Api, tenantId: string, scopes: readonly Scope[]) {
  const created = await platform('POST', `/v1/tenants/${tenantId}/api-keys`, { name: 'probe', scopes })
  return created.json() as { id: string; secret: string }
}

/** A key that has been used before writes no more down of it (for a minute). */
async function used(client: Client): Promise<Client> {
  await client('GET', '/v1/addons?limit=1')
  return client
}

async function refusedKeys(api: Api, tenantId: string): Promise<Ground['refused']> {
  const path = `/v1/tenants/${tenantId}/api-keys`
  const [expired, revoked, rotated] = await Promise.all([1, 2, 3].map(() => keyWith(api, tenantId, SCOPES)))
  if (expired === undefined || revoked === undefined || rotated === undefined) throw new Error('no keys')
  const end = { expires_at: addSeconds(NOW, -1) }
  await api.db.updateTable('api_key').set(end).where('id', '=', expired.id).execute()
  await api.platform('DELETE', `${path}/${revoked.id}`)
  await api.platform('POST', `${path}/${rotated.id}/rotate`, { overlapSeconds: 0 })
  const unknown = newApiKeySecret()
  const mistyped = unknown.slice(0, -1) + (unknown.endsWith('A') ? 'B' : 'A')
  return {
    'no key': undefined,
    'an empty key': 'Bearer ',
    'another scheme': `Basic ${Buffer.from(`${unknown}:`).toString('base64')}`,
    'another form': 'Bearer ghp_0123456789012345678901234567890123456789',
    'a mistyped key': `Bearer ${mistyped}`,
    'a cut key': `Bearer ${unknown.slice(0, 30)}`,
    'SQL': `Bearer udk_'or'1'='1`,
    'an unknown key': `Bearer ${unknown}`,
    'an expired key': `Bearer ${expired.secret}`,
    'a revoked key': `Bearer ${revoked.secret}`,
    'a rotated key': `Bearer ${rotated.secret}`,
  }
}

/** What every table that has a wall holds, by its name. */
export async function rowsOf({ api: { db } }: Ground): Promise<Record<string, string>> {
  const { rows: tables } = await sql<{ name: string }>`
    select relname as name from pg_class
     where relnamespace = 'undrop'::regnamespace and relrowsecurity order by relname`.execute(db)
  const digests: Record<string, string> = {}
  for (const { name } of tables) {
    const { rows } = await sql<{ digest: string }>`
      select md5(string_agg(each::text, '' order by each::text)) as digest from ${sql.table(name)} as each`.execute(
      db,
    )
    digests[name] = rows[0]?.digest ?? ''
  }
  return digests
}
