import { recordAudit } from '../db/audit.ts'
import { transact } from '../db/transact.ts'
import { Problem } from '../domain/problem.ts'
import { sealContext } from '../secrets/key-ring.ts'
import { type Caller, scopeOf } from './caller.ts'
import { connectionDetails } from './connection-details.ts'
import { requireAddon } from './read-addons.ts'
import { requireCaCertificates } from './read-ca-certificates.ts'
import { type CredentialPath, requireCredential } from './read-credentials.ts'
import { revealCredentials } from './reveal-credentials.ts'
import type { ServiceDeps } from './service-deps.ts'

/**
 * How to connect to an add-on with one of its credentials; who asks is recorded.
 * @throws Problem `addon-not-found`, `addon-not-available`, `credential-not-found`, `credential-not-ready`,
 * `unavailable`
 */
export async function revealCredential(
  deps: Pick<ServiceDeps, 'db' | 'keyRing' | 'endpointHost'>,
  caller: Caller,
  path: CredentialPath,
) {
  const found = await transact(deps.db, async (tx) => {
    const scope = scopeOf(caller)
    const addon = await requireAddon(tx, scope, path.addonId)
    const credential = await requireCredential(tx, scope, path)
    const { id, tenant_id: tenantId, username, password_sealed: sealed, status } = credential
    if (credential.access === 'owner') return null
    if (addon.status !== 'available' || addon.port === null) throw new Problem('addon-not-available')
    const works = status === 'active' || status === 'rotating'
    if (!works || username === null || sealed === null) throw new Problem('credential-not-ready')
    const detail = { addonId: addon.id, name: credential.name }
    const { actor } = caller
    await recordAudit(tx, { actor, tenantId, action: 'credential.reveal', resourceId: id, detail })
    const caCertificate = await requireCaCertificates(tx)
    return { port: addon.port, database: addon.database_name, username, sealed, id, caCertificate }
  })
  if (found === null) return revealCredentials(deps, caller, path.addonId)
  const { id, sealed, ...login } = found
  const password = deps.keyRing.open(sealed, sealContext.credentialPassword(id))
  return connectionDetails({ ...login, host: deps.endpointHost, password })
}
