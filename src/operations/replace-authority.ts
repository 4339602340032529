import { type Actor, recordAudit } from '../db/audit.ts'
import {
  addTrustedAuthority,
  countAuthorities,
  findSigningAuthority,
  lockAuthorities,
  removeOtherAuthorities,
  signByNewestAuthority,
} from '../db/certificate-authorities.ts'
import type { Db, Tx } from '../db/client.ts'
import { presentServers } from '../db/servers.ts'
import type { ServerDriver } from '../drivers/driver.ts'
import { recordEvent } from '../notify/outbox.ts'
import { isSignedBy } from '../secrets/certificates.ts'
import type { KeyRing } from '../secrets/key-ring.ts'
import { newAuthority, signingAuthority } from './certificate-authority.ts'
import { CERTIFICATE_FILE } from './server-certificate.ts'

// How one authority takes the place of another, in three steps of an operator's: docs/operations/tls.md.

/** Adds an authority that is trusted and signs nothing yet. @throws Error when one is being introduced already */
export async function introduceAuthority(db: Db, keyRing: KeyRing, actor: Actor): Promise<void> {
  await signingAuthority(db, keyRing)
  await db.transaction().execute(async (tx) => {
    await lockAuthorities(tx)
    if ((await countAuthorities(tx)) > 1)
      throw new Error('Two authorities are trusted already: finish with `use` and `retire` first')
    const authority = await newAuthority(keyRing)
    await addTrustedAuthority(tx, authority)
    await record(tx, actor, 'add', authority.id)
  })
}

/** Has the newest authority sign; the reconciler then renews the certificate of every server. Repeatable. */
export async function useNewestAuthority(db: Db, actor: Actor): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await lockAuthorities(tx)
    const before = await findSigningAuthority(tx)
    await signByNewestAuthority(tx)
    const after = await findSigningAuthority(tx)
    if (after !== undefined && after.id !== before?.id) await record(tx, actor, 'use', after.id)
  })
}

/**
 * Stops trusting all authorities but the one that signs. What the host has of servers that no row knows counts for nothing:
 * nobody connects to them, and nobody renews their certificates.
 * @throws Error when a server of this host still has a certificate of another one
 */
export async function retireAuthorities(db: Db, driver: ServerDriver, actor: Actor): Promise<number> {
  return db.transaction().execute(async (tx) => {
    await lockAuthorities(tx)
    const authority = await findSigningAuthority(tx)
    if (authority === undefined) return 0
    for (const serverId of await presentServers(tx, await driver.listInstances())) {
      const present = await driver.readConfig(serverId, CERTIFICATE_FILE)
      if (present !== null && !isSignedBy(present, authority.certificate))
        throw new Error(
          `The certificate of ${serverId} is not renewed yet: workers do that within seconds, or once a restore to it has ended`,
        )
    }
    const removed = await removeOtherAuthorities(tx)
    for (const id of removed) await record(tx, actor, 'retire', id)
    return removed.length
  })
}

const EVENTS = {
  add: 'certificate-authority.added',
  use: 'certificate-authority.used',
  retire: 'certificate-authority.retired',
} as const

async function record(tx: Tx, actor: Actor, verb: keyof typeof EVENTS, id: string): Promise<void> {
  await recordEvent(tx, { tenantId: null, type: EVENTS[verb], payload: { certificateAuthorityId: id } })
  const action = `certificate-authority.${verb}`
  await recordAudit(tx, { actor, tenantId: null, action, resourceId: id })
}
