import {
  addTrustedAuthority,
  countAuthorities,
  findSigningAuthority,
  removeOtherAuthorities,
  signByNewestAuthority,
} from '../db/certificate-authorities.ts'
import type { Db } from '../db/client.ts'
import type { ServerDriver } from '../drivers/driver.ts'
import { isSignedBy } from '../secrets/certificates.ts'
import type { KeyRing } from '../secrets/key-ring.ts'
import { newAuthority, signingAuthority } from './certificate-authority.ts'
import { CERTIFICATE_FILE } from './server-certificate.ts'

// How one authority takes the place of another, in three steps of an operator's: docs/operations/tls.md.

/** Adds an authority that is trusted and signs nothing yet. @throws Error when one is being introduced already */
export async function introduceAuthority(db: Db, keyRing: KeyRing): Promise<void> {
  await signingAuthority(db, keyRing)
  if ((await countAuthorities(db)) > 1)
    throw new Error('Two authorities are trusted already: finish with `use` and `retire` first')
  await addTrustedAuthority(db, await newAuthority(keyRing))
}

/** Has the newest authority sign; the reconciler then renews the certificate of every server. */
export async function useNewestAuthority(db: Db): Promise<void> {
  await db.transaction().execute((tx) => signByNewestAuthority(tx))
}

/**
 * Stops trusting all authorities but the one that signs.
 * @throws Error when a server of this host still has a certificate of another one
 */
export async function retireAuthorities(db: Db, driver: ServerDriver): Promise<number> {
  const authority = await findSigningAuthority(db)
  if (authority === undefined) return 0
  for (const serverId of await driver.listInstances()) {
    const present = await driver.readConfig(serverId, CERTIFICATE_FILE)
    if (present !== null && !isSignedBy(present, authority.certificate))
      throw new Error(`The certificate of ${serverId} is not renewed yet: workers do that within seconds`)
  }
  return removeOtherAuthorities(db)
}
