import type { AddonWithPort } from '../db/addons.ts'
import type { Tx } from '../db/client.ts'
import { furtherCredentials, insertCredential } from '../db/credentials.ts'
import { newPassword, newUsername } from '../domain/credentials.ts'
import { newId } from '../domain/ids.ts'
import { type KeyRing, sealContext } from '../secrets/key-ring.ts'

/** Gives a child a credential of its own for each that its parent has beside the owner's: same name, same access. */
export async function copyCredentials(
  tx: Tx,
  keyRing: KeyRing,
  parent: AddonWithPort,
  child: AddonWithPort,
): Promise<void> {
  const { tenant_id: tenantId, id: addonId } = parent
  for (const { id: copiedFrom, name, access } of await furtherCredentials(tx, { tenantId, addonId })) {
    const id = newId('credential')
    await insertCredential(tx, {
      id,
      tenant_id: tenantId,
      addon_id: child.id,
      name,
      access,
      status: 'pending',
      username: newUsername(),
      password_sealed: keyRing.seal(newPassword(), sealContext.credentialPassword(id)),
      copied_from: copiedFrom,
    })
  }
}
