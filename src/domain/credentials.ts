import { createHash, randomBytes } from 'node:crypto'

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

/** What a client authenticates with; the prefix lets secret scanners find a key that leaked. */
export function newApiKeySecret(): string {
  return `udk_${randomBytes(32).toString('base64url')}`
}

/** The only form in which a key is kept: with 256 random bits behind it, a plain digest cannot be guessed back. */
export function hashApiKey(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
