import { sql } from 'kysely'
import type { Tx } from '../db/client.ts'
import { type KeyRing, sealContext } from '../secrets/key-ring.ts'

/** The archive is gone. What opened it, and the server it came from, opens nothing any more, and is forgotten. */
export async function forgetArchive(
  tx: Tx,
  keyRing: KeyRing,
  { serverId, addonId }: { serverId: string; addonId: string },
): Promise<void> {
  const cipherPass = keyRing.seal('', sealContext.archiveCipher(serverId))
  await sql`
    update archive set removed_at = coalesce(removed_at, now()), cipher_pass_sealed = ${cipherPass}
     where server_id = ${serverId}`.execute(tx)
  const password = keyRing.seal('', sealContext.addonPassword(addonId))
  await sql`update addon set password_sealed = ${password} where id = ${addonId} and status = 'deleted'`.execute(
    tx,
  )
  await sql`
    update credential set password_sealed = null, next_password_sealed = null
     where addon_id = ${addonId} and exists (select from addon where id = ${addonId} and status = 'deleted')`.execute(
    tx,
  )
}
