import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { Problem } from '../domain/problem.ts'

/** Seals secrets for the metadata database. The context is bound in: a sealed value moved to another row does not open. */
export interface KeyRing {
  seal(plaintext: string, context: string): string
  /** Digests by which the keys are known, and which tell nothing of them; that of the key that seals comes first. */
  readonly keyIds: readonly [string, ...string[]]
  /** @throws Problem `secret-unreadable` when the value was not sealed by a key of this ring for this context. */
  open(sealed: string, context: string): string
}

const VERSION = 'v1'
const IV_BYTES = 12

/**
 * AES-256-GCM under the master keys, of which the first seals and all open. A sealed value is
 * `v1.<key id>.<iv>.<tag>.<ciphertext>`, base64url each; the key id is a digest, so that it tells nothing of the key.
 * @param masterKeys 32 bytes each
 */
export function keyRing(masterKeys: readonly [Buffer, ...Buffer[]]): KeyRing {
  const keys = new Map(masterKeys.map((key) => [keyId(key), key]))
  const [sealingKey, ...furtherKeys] = masterKeys

  return {
    keyIds: [keyId(sealingKey), ...furtherKeys.map(keyId)],

    seal(plaintext, context) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', sealingKey, iv).setAAD(Buffer.from(context))
      const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
      const parts = [iv, cipher.getAuthTag(), ciphertext].map((part) => part.toString('base64url'))
      return [VERSION, keyId(sealingKey), ...parts].join('.')
    },

    open(sealed, context) {
      const [version, id, iv, tag, ciphertext] = sealed.split('.')
      const key = id === undefined ? undefined : keys.get(id)
      if (version !== VERSION || key === undefined)
        throw unreadable('sealed under a key that is not in the ring')
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv ?? '', 'base64url'), {
          authTagLength: 16,
        })
          .setAAD(Buffer.from(context))
          .setAuthTag(Buffer.from(tag ?? '', 'base64url'))
        return decipher.update(ciphertext ?? '', 'base64url', 'utf8') + decipher.final('utf8')
      } catch (cause) {
        throw unreadable('the sealed value is damaged or belongs elsewhere', cause)
      }
    },
  }
}

function unreadable(why: string, cause?: unknown): Problem {
  return new Problem('secret-unreadable', { cause: new Error(why, { cause }) })
}

function keyId(key: Buffer): string {
  return createHash('sha256').update('undrop key id').update(key).digest('base64url').slice(0, 8)
}

/** What each sealed secret is bound to. */
export const sealContext = {
  addonPassword: (addonId: string) => `addon/${addonId}/password`,
  credentialPassword: (credentialId: string) => `credential/${credentialId}/password`,
  tenantStorageKey: (tenantId: string) => `tenant/${tenantId}/storage-key`,
  idempotentAnswer: (id: string) => `idempotency-key/${id}/answer`,
  webhookSecret: (secretId: string) => `webhook-secret/${secretId}`,
  authorityKey: (id: string) => `certificate-authority/${id}/key`,
  archiveCipher: (serverId: string) => `archive/${serverId}/cipher`,
}
