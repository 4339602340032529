import 'reflect-metadata'
import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  X509Certificate as X509Parsed,
} from '@peculiar/x509'

/** Who vouches for the servers of add-ons. */
export interface Authority {
  /** PEM. */
  certificate: string
  /** PKCS #8 in base64, on one line. */
  key: string
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY = 24 * 3600 * 1000
/** Clients' clocks may be behind ours. */
const BACKDATED = 3600 * 1000
const AUTHORITY_VALID = 20 * 365 * DAY
/** Renewed at half of it, so that Undrop may be away for the other half. */
const SERVER_VALID = 365 * DAY
/** RFC 5280, appendix A.1: `ub-common-name`. */
const COMMON_NAME_MAX = 64

/** A new authority of its own name, so that several can be trusted at once. It signs servers and no other authority. */
export async function makeAuthority(now: Date): Promise<Authority> {
  const keys = await newKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ O: ['Undrop'] }, { CN: [`Undrop CA ${randomUUID().slice(0, 8)}`] }],
    ...validity(now, AUTHORITY_VALID),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const key = Buffer.from(await exported(keys)).toString('base64')
  return { certificate: `${certificate.toString('pem')}\n`, key }
}

/**
 * A new key for a server and its certificate, as one PEM text: in one file they are never seen apart.
 * @param hosts by which clients reach the server, names or addresses; the first is also the common name, which libpq
 * before PostgreSQL 15 compares an address with
 */
export async function issueServerCertificate(
  authority: Authority,
  hosts: readonly [string, ...string[]],
  now: Date,
): Promise<string> {
  const [keys, signingKey] = await Promise.all([newKeys(), importKey(authority.key)])
  const issuer = new X509Parsed(authority.certificate)
  const { notBefore, notAfter } = validity(now, SERVER_VALID)
  const [first] = hosts
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [first.length <= COMMON_NAME_MAX ? first : 'Undrop add-on server'] }],
    issuer: issuer.subjectName.toJSON(),
    notBefore,
    notAfter: new Date(Math.min(notAfter.getTime(), issuer.notAfter.getTime())),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        hosts.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }) as const),
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  })
  return `${certificate.toString('pem')}\n${PemConverter.encode(await exported(keys), 'PRIVATE KEY')}\n`
}

/** Whether what `issueServerCertificate` gave still serves: of that authority, for all these hosts, not to be renewed yet. */
export function isServerCertificateGood(
  pem: string,
  authorityCertificate: string,
  hosts: readonly string[],
  now: Date,
): boolean {
  try {
    const certificate = new X509Certificate(pem)
    const [from, to] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()]
    return (
      from <= now.getTime() &&
      now.getTime() < (from + to) / 2 &&
      hosts.every((host) => isFor(certificate, host)) &&
      isSignedBy(pem, authorityCertificate) &&
      certificate.checkPrivateKey(createPrivateKey(pem))
    )
  } catch {
    // Not even PEM.
    return false
  }
}

/** Whether that authority vouches for the first certificate of the text; of a text without any, none does. */
export function isSignedBy(pem: string, authorityCertificate: string): boolean {
  return parsed(pem)?.verify(new X509Certificate(authorityCertificate).publicKey) ?? false
}

/** Seconds to the end of the first certificate of the text; 0 for a text without any, which is of no use already. */
export function secondsToEnd(pem: string, now: Date): number {
  const end = parsed(pem)?.validToDate
  return end === undefined ? 0 : Math.floor((end.getTime() - now.getTime()) / 1000)
}

function parsed(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem)
  } catch {
    return null
  }
}

const isFor = (certificate: X509Certificate, host: string): boolean =>
  isIP(host) === 0
    ? certificate.checkHost(host, { subject: 'never' }) !== undefined
    : certificate.checkIP(host) !== undefined

const validity = (now: Date, milliseconds: number) => ({
  notBefore: new Date(now.getTime() - BACKDATED),
  notAfter: new Date(now.getTime() + milliseconds),
})

const newKeys = () => crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
const exported = ({ privateKey }: Awaited<ReturnType<typeof newKeys>>) =>
  crypto.subtle.exportKey('pkcs8', privateKey)
const importKey = (key: string) =>
  crypto.subtle.importKey('pkcs8', Buffer.from(key, 'base64'), ALGORITHM, false, ['sign'])
