import { isIP } from 'node:net'
import type { Executor } from '../db/client.ts'
import type { ServerDriver } from '../drivers/driver.ts'
import { isServerCertificateGood, issueServerCertificate } from '../secrets/certificates.ts'
import type { KeyRing } from '../secrets/key-ring.ts'
import { openAuthority, signingAuthority } from './certificate-authority.ts'

/** Holds both the key and the certificate of a server, as one that is replaced file by file would not start in between. */
export const CERTIFICATE_FILE = 'server.pem'

interface Deps {
  driver: ServerDriver
  keyRing: KeyRing
  endpointHost: string
  listenAddresses: string
}

/**
 * Makes sure that the server's files have a certificate: of the authority that signs, for the host that clients reach it
 * by, and far from its end. What is there is the only record of it. Returns the file's text.
 * @param db may be a transaction
 */
export async function ensureCertificate(
  deps: Deps,
  serverId: string,
  db: Executor,
  now = new Date(),
): Promise<string> {
  const authority = await signingAuthority(db, deps.keyRing)
  const hosts = certifiedHosts(deps.endpointHost, deps.listenAddresses)
  const present = await deps.driver.readConfig(serverId, CERTIFICATE_FILE)
  if (present !== null && isServerCertificateGood(present, authority.certificate, hosts, now)) return present
  const issued = await issueServerCertificate(openAuthority(deps.keyRing, authority), hosts, now)
  await deps.driver.writeConfig(serverId, { [CERTIFICATE_FILE]: issued })
  return issued
}

/**
 * What a certificate has to name: the host of the endpoint, and the addresses that servers listen on.
 * @param listenAddresses as `listen_addresses`; what stands for all of them names none
 */
export function certifiedHosts(endpointHost: string, listenAddresses: string): [string, ...string[]] {
  const addresses = listenAddresses
    .split(',')
    .map((text) => text.trim())
    .filter((text) => isIP(text) !== 0 && !['0.0.0.0', '::', endpointHost].includes(text))
  return [endpointHost, ...new Set(addresses)]
}
