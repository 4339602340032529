import { findSigningAuthority } from '../db/certificate-authorities.ts'
import { forgetObservation, noteObservation, wasObservedWithin } from '../db/observations.ts'
import { findServersToKeepRunning } from '../db/unscoped.ts'
import { secondsToEnd } from '../secrets/certificates.ts'
import { CERTIFICATE_FILE } from './server-certificate.ts'
import type { WorkDeps } from './server-work.ts'

/**
 * Notes how long the authority that signs is valid, and of the certificates of servers the one that ends first. They are
 * read from the servers' files, beside what renews them: so a renewal that fails shows. Does nothing when another worker
 * has just done it.
 */
export async function watchCertificates(
  { db, driver }: Pick<WorkDeps, 'db' | 'driver'>,
  everySeconds: number,
  now = new Date(),
): Promise<void> {
  if (await wasObservedWithin(db, 'authority_expires_seconds', everySeconds / 2)) return
  let first: number | null = null
  for (const { id } of await findServersToKeepRunning(db)) {
    const present = await driver.readConfig(id, CERTIFICATE_FILE)
    if (present !== null) first = Math.min(first ?? Number.POSITIVE_INFINITY, secondsToEnd(present, now))
  }
  if (first === null) await forgetObservation(db, 'certificate_expires_seconds')
  else await noteObservation(db, 'certificate_expires_seconds', first)
  const authority = await findSigningAuthority(db)
  if (authority !== undefined)
    await noteObservation(db, 'authority_expires_seconds', secondsToEnd(authority.certificate, now))
}
