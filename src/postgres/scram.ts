import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

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
  { salt = randomBytes(16), iterations = 4096 }: ScramOptions = {},
): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const storedKey = createHash('sha256').update(clientKey).digest('base64')
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}
