import { describe, expect, test } from 'vitest'
import { hashApiKey, isWholeApiKey, newApiKeySecret } from '../../../src/domain/credentials.ts'

describe('the secret of an API key', () => {
  test('is of a form that scanners find, is valid as a configured key, and never the same', () => {
    const secrets = Array.from({ length: 100 }, newApiKeySecret)
    for (const secret of secrets) {
      expect(secret).toMatch(/^udk_[\w-]{49}$/)
      expect(isWholeApiKey(secret)).toBe(true)
    }
    expect(new Set(secrets).size).toBe(100)
  })

  test('is known to be mistyped or cut wherever that happens', () => {
    const secret = newApiKeySecret()
    // The last letter of a checksum of four bytes stands for two bits: another may mean the same, and still not fit.
    for (let at = 0; at < secret.length; at++) {
      const other = secret[at] === 'x' ? 'y' : 'x'
      expect(isWholeApiKey(secret.slice(0, at) + other + secret.slice(at + 1)), String(at)).toBe(false)
      // What is cut to the older form is told apart by its digest alone.
      if (at !== 47) expect(isWholeApiKey(secret.slice(0, at)), String(at)).toBe(false)
    }
    expect(isWholeApiKey(`${secret}\n`)).toBe(false)
  })

  test('of the older form, without a checksum, may be a key', () => {
    expect(isWholeApiKey(`udk_${'A'.repeat(43)}`)).toBe(true)
  })

  test('is kept as its SHA-256', () => {
    expect(hashApiKey('udk_').toString('hex')).toMatch(/^[\da-f]{64}$/)
  })
})
