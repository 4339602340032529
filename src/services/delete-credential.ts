import { updateCredential } from '../db/credentials.ts'
import { Problem } from '../domain/problem.ts'
import { type Caller, scopeOf } from './caller.ts'
import { type ChangeDeps, changeCredential } from './change-credential.ts'
import { credentialView } from './credential-view.ts'
import { assertMatches } from './precondition.ts'
import { type CredentialPath, requireCredential } from './read-credentials.ts'

/**
 * Asks for a credential and its logins to be removed; asking again changes nothing.
 * @throws Problem `addon-not-found`, `addon-not-available`, `credential-not-found`, `owner-credential`, `precondition-failed`,
 * `credential-not-ready` while other work on it is not done
 */
export function deleteCredential(deps: ChangeDeps, caller: Caller, path: CredentialPath) {
  return changeCredential(deps, caller, path.addonId, async (tx) => {
    const before = await requireCredential(tx, scopeOf(caller), path)
    assertMatches(caller, () => credentialView(before))
    if (before.access === 'owner') throw new Problem('owner-credential')
    if (before.status === 'deleting' || before.status === 'deleted') return before
    if (before.status !== 'active') throw new Problem('credential-not-ready')
    const after = await updateCredential(tx, before, { status: 'deleting', retry_at: null })
    return { action: 'credential.delete', event: 'credential.deleting' as const, before, after }
  })
}
