import { sql } from 'kysely'
import type { Tx } from '../db/client.ts'
import type { CredentialWork } from '../db/credential-work.ts'
import { recordEvent } from '../notify/outbox.ts'
import type { Rotated } from '../postgres/logins.ts'
import { type KeyRing, sealContext } from '../secrets/key-ring.ts'

// What work on credentials writes down, each with the event that tells of it. What has been written already is left.

interface CredentialRef {
  tenantId: string
  addonId: string
  credentialId: string
}

/** Its login is on the server. */
export async function noteCredentialMade(tx: Tx, { tenantId, addonId, credentialId }: CredentialRef) {
  const { numAffectedRows } = await sql`
    update credential set status = 'active', updated_at = clock_timestamp()
     where id = ${credentialId} and status = 'pending'`.execute(tx)
  if (numAffectedRows === 1n)
    await recordEvent(tx, { tenantId, type: 'credential.active', payload: { credentialId, addonId } })
}

/** The next login takes the place of the present one, which becomes an old one. */
export async function noteRotated(
  tx: Tx,
  keyRing: KeyRing,
  { tenantId, addonId, credentialId }: CredentialRef,
  { access, username, nextUsername, nextPasswordSealed, overlapSeconds }: CredentialWork,
  { replacedAt, validUntil }: Rotated,
): Promise<void> {
  if (nextUsername === null || nextPasswordSealed === null) throw new Error('there is no next login')
  const isOwner = access === 'owner'
  const { numAffectedRows } = await sql`
    update credential
       set status = 'active', rotated_at = clock_timestamp(), updated_at = clock_timestamp(),
           username = ${isOwner ? null : nextUsername}, password_sealed = ${isOwner ? null : nextPasswordSealed},
           next_username = null, next_password_sealed = null, overlap_seconds = null
     where id = ${credentialId} and status = 'rotating' and next_username = ${nextUsername}`.execute(tx)
  if (numAffectedRows !== 1n) return
  if (isOwner) {
    const password = keyRing.open(nextPasswordSealed, sealContext.credentialPassword(credentialId))
    const sealed = keyRing.seal(password, sealContext.addonPassword(addonId))
    await sql`
      update addon set username = ${nextUsername}, password_sealed = ${sealed}
       where tenant_id = ${tenantId} and id = ${addonId}`.execute(tx)
  }
  // At once is at once by whatever clock.
  const until = overlapSeconds === 0 ? sql`least(${validUntil}::timestamptz, now())` : sql`${validUntil}`
  await sql`
    insert into old_login (credential_id, username, tenant_id, addon_id, replaced_at, valid_until)
    values (${credentialId}, ${username}, ${tenantId}, ${addonId}, ${replacedAt}, ${until})`.execute(tx)
  await sql`
    update old_login set valid_until = least(valid_until, ${until})
     where credential_id = ${credentialId} and dropped_at is null`.execute(tx)
  const payload = { credentialId, addonId, oldLoginUntil: validUntil }
  await recordEvent(tx, { tenantId, type: 'credential.rotated', payload })
}

/** These logins of it are no more; nor is the credential itself, if it was to be deleted. */
export async function noteDropped(
  tx: Tx,
  { tenantId, addonId, credentialId }: CredentialRef,
  usernames: readonly string[],
): Promise<void> {
  const payload = { credentialId, addonId }
  const dropped = await sql`
    update old_login set dropped_at = clock_timestamp()
     where credential_id = ${credentialId} and username = any(${[...usernames]}) and dropped_at is null`.execute(
    tx,
  )
  const deleted = await sql`
    update credential
       set status = 'deleted', deleted_at = clock_timestamp(), updated_at = clock_timestamp(), password_sealed = null
     where id = ${credentialId} and status = 'deleting'`.execute(tx)
  if (deleted.numAffectedRows === 1n) await recordEvent(tx, { tenantId, type: 'credential.deleted', payload })
  else if ((dropped.numAffectedRows ?? 0n) > 0n)
    await recordEvent(tx, { tenantId, type: 'credential.old-login-ended', payload })
}

export async function retryLater(tx: Tx, credentialId: string, seconds: number): Promise<void> {
  await sql`
    update credential set retry_at = now() + make_interval(secs => ${seconds}) where id = ${credentialId}`.execute(
    tx,
  )
}
