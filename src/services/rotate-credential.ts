import type { Tx } from '../db/client.ts'
import { type Credential, findOwnerCredential, updateCredential } from '../db/credentials.ts'
import { newPassword, newUsername } from '../domain/credentials.ts'
import { Problem } from '../domain/problem.ts'
import { type KeyRing, sealContext } from '../secrets/key-ring.ts'
import { type Caller, scopeOf } from './caller.ts'
import { type ChangeDeps, changeCredential } from './change-credential.ts'
import { type CredentialPath, requireCredential } from './read-credentials.ts'
import type { ServiceDeps } from './service-deps.ts'

type Deps = ChangeDeps & Pick<ServiceDeps, 'keyRing'>

interface Rotation {
  /** How long the present login goes on to work from when the next one does. */
  overlapSeconds: number
}

/**
 * Has a credential get a new username and password. Of several rotations, each lets its own login and all before it work
 * no longer than its overlap.
 * @throws Problem `addon-not-found`, `addon-not-available`, `credential-not-found`, `credential-not-ready`
 */
export function rotateCredential(deps: Deps, caller: Caller, path: CredentialPath, rotation: Rotation) {
  return changeCredential(deps, caller, path.addonId, async (tx) =>
    recordRotation(tx, deps.keyRing, await requireCredential(tx, scopeOf(caller), path), rotation),
  )
}

/** As `rotateCredential`, for the credential that the add-on came with. */
export function rotateOwnerCredential(deps: Deps, caller: Caller, addonId: string, rotation: Rotation) {
  return changeCredential(deps, caller, addonId, async (tx) => {
    const credential = await findOwnerCredential(tx, scopeOf(caller), addonId)
    if (credential === undefined) throw new Problem('credential-not-found')
    return recordRotation(tx, deps.keyRing, credential, rotation)
  })
}

async function recordRotation(tx: Tx, keyRing: KeyRing, before: Credential, { overlapSeconds }: Rotation) {
  if (before.status !== 'active') throw new Problem('credential-not-ready')
  const after = await updateCredential(tx, before, {
    status: 'rotating',
    next_username: newUsername(),
    next_password_sealed: keyRing.seal(newPassword(), sealContext.credentialPassword(before.id)),
    overlap_seconds: overlapSeconds,
    retry_at: null,
  })
  const facts = { overlapSeconds }
  return { action: 'credential.rotate', event: 'credential.rotating' as const, facts, before, after }
}
