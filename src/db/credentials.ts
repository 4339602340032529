import { type Insertable, sql, type Updateable } from 'kysely'
import type { Moment } from '../domain/moment.ts'
import type { Executor, Tx } from './client.ts'
import type { CredentialRow, CredentialTable } from './credential-table.ts'
import { inSlice, rowsOf, type Slice } from './slice.ts'
import { inScope, type TenantScope } from './tenant-scope.ts'

/** A credential, and until when the last of the logins works that it had before; null when all have ended. */
export type Credential = CredentialRow & { old_login_until: Moment | null }

/** @throws the database's error on `credential_name` when the name is taken. */
export async function insertCredential(tx: Tx, row: Insertable<CredentialTable>): Promise<Credential> {
  const made = await tx.insertInto('credential').values(row).returningAll().executeTakeFirstOrThrow()
  return { ...made, old_login_until: null }
}

/** Also one that is deleted: it can be looked up by its id for good. */
export function findCredential(
  ex: Executor,
  scope: TenantScope,
  { addonId, id }: { addonId: string; id: string },
): Promise<Credential | undefined> {
  const found = credentials(ex, scope).where('addon_id', '=', addonId).where('id', '=', id)
  return found.executeTakeFirst()
}

export function findOwnerCredential(
  ex: Executor,
  scope: TenantScope,
  addonId: string,
): Promise<Credential | undefined> {
  const found = credentials(ex, scope).where('addon_id', '=', addonId).where('access', '=', 'owner')
  return found.executeTakeFirst()
}

export function listCredentials(
  ex: Executor,
  scope: TenantScope,
  addonId: string,
  slice: Slice,
): Promise<Credential[]> {
  const live = credentials(ex, scope).where('addon_id', '=', addonId).where('deleted_at', 'is', null)
  return live.where(inSlice('credential', slice)).orderBy('id').limit(rowsOf(slice)).execute()
}

/** The credentials of an add-on beside the owner's that are to go on. */
export function furtherCredentials(
  ex: Executor,
  { tenantId, addonId }: { tenantId: string; addonId: string },
): Promise<CredentialRow[]> {
  return ex
    .selectFrom('credential')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('addon_id', '=', addonId)
    .where('access', '<>', 'owner')
    .where('status', 'not in', ['deleting', 'deleted'])
    .orderBy('id')
    .execute()
}

/** Only for a credential that has been found, and whose add-on is locked. */
export async function updateCredential(
  tx: Tx,
  credential: Credential,
  change: Updateable<CredentialTable>,
): Promise<Credential> {
  const row = await tx
    .updateTable('credential')
    .set({ ...change, updated_at: sql`clock_timestamp()` })
    .where('tenant_id', '=', credential.tenant_id)
    .where('id', '=', credential.id)
    .returningAll()
    .executeTakeFirstOrThrow()
  return { ...row, old_login_until: credential.old_login_until }
}

function credentials(ex: Executor, scope: TenantScope) {
  return ex
    .selectFrom('credential')
    .selectAll()
    .select(
      sql<Moment | null>`(select max(valid_until) from old_login
                           where old_login.credential_id = credential.id and dropped_at is null)`.as(
        'old_login_until',
      ),
    )
    .where(inScope(scope))
}
