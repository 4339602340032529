import { sql } from 'kysely'
import type { Db } from '../../../src/db/client.ts'
import type { AddonStatus, OperationKind } from '../../../src/domain/addon.ts'
import { newId } from '../../../src/domain/ids.ts'
import { openOperation } from '../../../src/operations/open.ts'
import type { WakeUp } from '../../../src/operations/wake-up.ts'

export async function aTenant(db: Db, maxConcurrentOperations = 4): Promise<string> {
  const id = newId('tenant')
  const limit = { max_concurrent_operations: maxConcurrentOperations }
  await db
    .insertInto('tenant')
    .values({ id, name: 'acme', deleted_at: null, ...limit })
    .execute()
  return id
}

export interface Owned {
  tenantId: string
  serverId: string
  addonId: string
}

/** An add-on with its server and archive, as rows alone. */
export async function anAddon(db: Db, tenantId: string, status: AddonStatus = 'available'): Promise<Owned> {
  const [addonId, serverId] = [newId('addon'), newId('server')]
  await db.transaction().execute(async (tx) => {
    await sql`
      insert into addon (id, tenant_id, name, status, postgres_version, database_name, username, password_sealed, server_id)
      values (${addonId}, ${tenantId}, ${addonId}, ${status}, 15, 'app', 'owner', 'sealed', ${serverId})`.execute(
      tx,
    )
    await sql`
      insert into server (id, tenant_id, addon_id) values (${serverId}, ${tenantId}, ${addonId})`.execute(tx)
    await sql`
      insert into archive (server_id, tenant_id, cipher_pass_sealed)
      values (${serverId}, ${tenantId}, 'sealed')`.execute(tx)
  })
  return { tenantId, serverId, addonId }
}

/** A queued operation on an add-on of its own. */
export async function anOperation(
  db: Db,
  tenantId: string,
  { kind = 'addon.provision', memo = {} }: { kind?: OperationKind; memo?: object } = {},
): Promise<WakeUp> {
  return openOperation(db, { ...(await anAddon(db, tenantId, 'provisioning')), kind, memo })
}

export const readOperation = (db: Db, { operationId }: Pick<WakeUp, 'operationId'>) =>
  db.selectFrom('operation').selectAll().where('id', '=', operationId).executeTakeFirstOrThrow()

/** As if that much time had passed for the operation: its wait, its lease and its deadline. */
export async function letPass(
  db: Db,
  { operationId }: Pick<WakeUp, 'operationId'>,
  seconds: number,
): Promise<void> {
  const interval = sql`make_interval(secs => ${seconds})`
  await sql`
    update operation set run_at = run_at - ${interval}, lease_until = lease_until - ${interval},
           deadline_at = deadline_at - ${interval} where id = ${operationId}`.execute(db)
}

/** As if workers had been at the operation for that much time: only its deadline comes nearer. */
export async function workOn(
  db: Db,
  { operationId }: Pick<WakeUp, 'operationId'>,
  seconds: number,
): Promise<void> {
  await sql`
    update operation set run_at = now(), deadline_at = deadline_at - make_interval(secs => ${seconds})
     where id = ${operationId}`.execute(db)
}
