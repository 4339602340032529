import { recordAudit } from '../db/audit.ts'
import { transact } from '../db/transact.ts'
import { Problem } from '../domain/problem.ts'
import { sealContext } from '../secrets/key-ring.ts'
import { type Caller, scopeOf } from './caller.ts'
import { connectionDetails } from './connection-details.ts'
import { requireAddon } from './read-addons.ts'
import { requireCaCertificates } from './read-ca-certificates.ts'
import type { ServiceDeps } from './service-deps.ts'

/**
 * How to connect to an add-on as its owner; who asks is recorded. While the credential is being rotated, that is still the
 * login which the next one takes the place of.
 * @throws Problem `addon-not-found`, `addon-not-available`, `unavailable`
 */
export async function revealCredentials(
  { db, keyRing, endpointHost: host }: Pick<ServiceDeps, 'db' | 'keyRing' | 'endpointHost'>,
  caller: Caller,
  id: string,
) {
  const { port, addon, caCertificate } = await transact(db, async (tx) => {
    const addon = await requireAddon(tx, scopeOf(caller), id)
    if (addon.status !== 'available' || addon.port === null) throw new Problem('addon-not-available')
    const { tenant_id: tenantId } = addon
    await recordAudit(tx, {
      actor: caller.actor,
      tenantId,
      action: 'addon.reveal-credentials',
      resourceId: id,
    })
    return { addon, port: addon.port, caCertificate: await requireCaCertificates(tx) }
  })
  const { username, database_name: database } = addon
  const password = keyRing.open(addon.password_sealed, sealContext.addonPassword(id))
  return connectionDetails({ host, port, database, username, password, caCertificate })
}
