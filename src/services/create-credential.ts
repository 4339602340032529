import { insertCredential } from '../db/credentials.ts'
import { breaksUnique } from '../db/sql-state.ts'
import type { LimitedAccess } from '../domain/credential.ts'
import { newPassword, newUsername } from '../domain/credentials.ts'
import { newId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { sealContext } from '../secrets/key-ring.ts'
import type { Caller } from './caller.ts'
import { type ChangeDeps, changeCredential } from './change-credential.ts'
import type { ServiceDeps } from './service-deps.ts'

/**
 * Records a further credential of an add-on, sealed before anything uses it.
 * @throws Problem `addon-not-found`, `addon-not-available`, `credential-name-taken`
 */
export function createCredential(
  deps: ChangeDeps & Pick<ServiceDeps, 'keyRing'>,
  caller: Caller,
  addonId: string,
  { name, access }: { name: string; access: LimitedAccess },
) {
  return changeCredential(deps, caller, addonId, async (tx, { tenant_id }) => {
    const id = newId('credential')
    const after = await insertCredential(tx, {
      id,
      tenant_id,
      addon_id: addonId,
      name,
      access,
      status: 'pending',
      username: newUsername(),
      password_sealed: deps.keyRing.seal(newPassword(), sealContext.credentialPassword(id)),
    }).catch(nameTaken)
    return { action: 'credential.create', event: 'credential.created' as const, before: null, after }
  })
}

function nameTaken(error: unknown): never {
  throw breaksUnique(error, 'credential_name')
    ? new Problem('credential-name-taken', { cause: error })
    : error
}
