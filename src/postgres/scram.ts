import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

const ITERATIONS = 4096

interface ScramOptions {
  salt?: Buffer
  iterations?: number
}

/**
 * What PostgreSQL stores for a password, as RFC 5803 writes it; computed here so that the server never sees the
 * password and cannot log it. The password is printable ASCII, which SASLprep leaves as it is.
 */
export function scramVerifier(
  password: string,
  { salt = randomBytes(16), iterations = ITERATIONS }: ScramOptions = {},
): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const storedKey = createHash('sha256').update(clientKey).digest('base64')
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}

/** Whether that is what `scramVerifier` has made of the password. A tenant may have put anything else there. */
export function isVerifierOf(verifier: string | null, password: string): boolean {
  const salt = /^SCRAM-SHA-256\$4096:([A-Za-z0-9+/=]{24})\$/.exec(verifier ?? '')?.[1]
  return salt !== undefined && scramVerifier(password, { salt: Buffer.from(salt, 'base64') }) === verifier
}
