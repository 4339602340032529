import { hash, randomBytes } from 'node:crypto'

/** A role name nobody has chosen before, so that a parent's name never works on a child. */
export function newUsername(): string {
  return `u_${randomBytes(8).toString('hex')}`
}

/** 192 bits in letters that need no escaping in a connection URL. */
export function newPassword(): string {
  return randomBytes(24).toString('base64url')
}

/** The passphrase that an archive is encrypted with. */
export function newCipherPass(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * What a client authenticates with: `udk_`, 256 random bits in 43 characters, and a checksum in 6. By prefix and checksum
 * a secret scanner tells a key that leaked from a text that looks like one.
 */
export function newApiKeySecret(): string {
  const random = `udk_${randomBytes(32).toString('base64url')}`
  return random + checksumOf(random)
}

/** Whether that may be a key that was given out: its checksum fits, or it is of the older form, which has none. */
export function isWholeApiKey(secret: string): boolean {
  const [, random, checksum] = /^(udk_[\w-]{43})([\w-]{6})?$/.exec(secret) ?? []
  return random !== undefined && (checksum === undefined || checksum === checksumOf(random))
}

/** The first four bytes of the SHA-256 of what stands before it. Anybody can check it, so it need not be secret. */
function checksumOf(text: string): string {
  return hash('sha256', text, 'buffer').subarray(0, 4).toString('base64url')
}

/** The only form in which a key is kept: with 256 random bits behind it, a plain digest cannot be guessed back. */
export function hashApiKey(secret: string): Buffer {
  return hash('sha256', secret, 'buffer')
}
