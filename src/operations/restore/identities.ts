import { loginNames, ownerCredentialId } from '../../db/credential-work.ts'
import { furtherCredentials } from '../../db/credentials.ts'
import type { ServerRecord } from '../../db/servers.ts'
import type { LimitedAccess } from '../../domain/credential.ts'
import type { NewIdentity } from '../../postgres/roles.ts'
import { scramVerifier } from '../../postgres/scram.ts'
import { sealContext } from '../../secrets/key-ring.ts'
import { noteCredentialMade } from '../credential-progress.ts'
import type { RestoreContext } from './memo.ts'

export interface LimitedIdentity extends NewIdentity {
  access: LimitedAccess
}

/**
 * Who may log in to a child: its owner, and whoever a credential of the parent was copied for. What each was called on
 * the parent is looked up only now, as a rotation meanwhile may be a part of what has been restored.
 */
export async function identitiesOf(
  { deps, addonId }: RestoreContext,
  child: ServerRecord,
  source: ServerRecord,
): Promise<{ owner: NewIdentity; others: LimitedIdentity[] }> {
  const open = (sealed: string, sealedFor: string) => scramVerifier(deps.keyRing.open(sealed, sealedFor))
  const ownerId = await ownerCredentialId(deps.db, source.addonId)
  const owner = {
    fromUsernames: ownerId === undefined ? [source.username] : await loginNames(deps.db, ownerId),
    username: child.username,
    verifier: open(child.passwordSealed, sealContext.addonPassword(addonId)),
  }
  const others: LimitedIdentity[] = []
  for (const {
    id,
    access,
    username,
    password_sealed: sealed,
    copied_from: copiedFrom,
  } of await furtherCredentials(deps.db, child)) {
    if (access === 'owner' || username === null || sealed === null) continue
    const fromUsernames = copiedFrom === null ? [] : await loginNames(deps.db, copiedFrom)
    others.push({
      fromUsernames,
      username,
      verifier: open(sealed, sealContext.credentialPassword(id)),
      access,
    })
  }
  return { owner, others }
}

/** The logins are there, and the child is about to be handed over. */
export function noteIdentities({ tenantId, addonId, inCommit }: RestoreContext): void {
  inCommit(async (tx) => {
    for (const { id: credentialId } of await furtherCredentials(tx, { tenantId, addonId }))
      await noteCredentialMade(tx, { tenantId, addonId, credentialId })
  })
}
