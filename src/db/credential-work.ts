import { sql } from 'kysely'
import type { CredentialStatus, LimitedAccess } from '../domain/credential.ts'
import type { Moment } from '../domain/moment.ts'
import type { Executor } from './client.ts'

/** A credential as the worker sees it. Secrets are sealed. */
export interface CredentialWork {
  access: 'owner' | LimitedAccess
  status: CredentialStatus
  /** The login at present; for the owner's that of the add-on. */
  username: string
  /** Null for the owner's. */
  passwordSealed: string | null
  nextUsername: string | null
  nextPasswordSealed: string | null
  overlapSeconds: number | null
  /** Logins that rotations have replaced and that may still exist. */
  oldLogins: OldLogin[]
}

export interface OldLogin {
  username: string
  replacedAt: Moment
  isOver: boolean
}

export async function getCredentialWork(db: Executor, id: string): Promise<CredentialWork> {
  const { rows } = await sql<Omit<CredentialWork, 'oldLogins'>>`
    select access, credential.status, coalesce(credential.username, addon.username) as username,
           credential.password_sealed as "passwordSealed", next_username as "nextUsername",
           next_password_sealed as "nextPasswordSealed", overlap_seconds as "overlapSeconds"
      from credential join addon on addon.id = credential.addon_id
     where credential.id = ${id}`.execute(db)
  const [credential] = rows
  if (credential === undefined) throw new Error(`no credential ${id}`)
  const old = await sql<OldLogin>`
    select username, replaced_at as "replacedAt", valid_until <= now() as "isOver"
      from old_login where credential_id = ${id} and dropped_at is null order by replaced_at`.execute(db)
  return { ...credential, oldLogins: old.rows }
}

/** Every name that the login of a credential has had, newest first, the one that is yet to come included. */
export async function loginNames(db: Executor, credentialId: string): Promise<string[]> {
  const { rows } = await sql<{ username: string }>`
    select username from (
      select next_username as username, 'infinity'::timestamptz as until, 1 as rank
        from credential where id = ${credentialId}
      union all
      select coalesce(credential.username, addon.username), 'infinity', 2
        from credential join addon on addon.id = credential.addon_id where credential.id = ${credentialId}
      union all
      select username, replaced_at, 3 from old_login where credential_id = ${credentialId}
    ) as names where username is not null order by rank, until desc`.execute(db)
  return rows.map(({ username }) => username)
}

/** The id of the owner's credential; undefined for an add-on that has none, such as a drill's. */
export async function ownerCredentialId(db: Executor, addonId: string): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    select id from credential where addon_id = ${addonId} and access = 'owner'`.execute(db)
  return rows[0]?.id
}

export interface DueCredential {
  credentialId: string
  tenantId: string
  addonId: string
  serverId: string
}

/** Credentials of every tenant with something left to do on a server, and nobody at it; those that have failed, later. */
export async function findDueCredentials(db: Executor, limit: number): Promise<DueCredential[]> {
  const { rows } = await sql<DueCredential>`
    select credential.id as "credentialId", credential.tenant_id as "tenantId", addon.id as "addonId",
           addon.server_id as "serverId"
      from (select id from credential where status in ('pending', 'rotating', 'deleting')
            union
            select credential_id from old_login where dropped_at is null and valid_until <= now()) as due
      join credential on credential.id = due.id
      join addon on addon.id = credential.addon_id and addon.status = 'available'
     where (credential.retry_at is null or credential.retry_at < now())
       and not exists (select from operation
                        where operation.server_id = addon.server_id and operation.finished_at is null
                          and operation.kind = 'credential.apply'
                          and operation.memo ->> 'credentialId' = credential.id)
     limit ${limit}`.execute(db)
  return rows
}
