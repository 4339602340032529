import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyRing, sealContext } from '../../../src/secrets/key-ring.ts'

const CONTEXT = sealContext.addonPassword('addon_1')
const [oldKey, newKey] = [randomBytes(32), randomBytes(32)]
const ring = keyRing([oldKey])

test('what was sealed opens again, whatever it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (secret) => {
      expect(ring.open(ring.seal(secret, CONTEXT), CONTEXT)).toBe(secret)
    }),
  )
})

test('a sealed value holds neither the secret nor the key, and is another one each time', () => {
  const sealed = Array.from({ length: 2 }, () => ring.seal('a very secret password', CONTEXT))
  expect(sealed[0]).not.toBe(sealed[1])
  const bytes = sealed.flatMap((value) => value.split('.').map((part) => Buffer.from(part, 'base64url')))
  for (const hidden of [Buffer.from('secret'), oldKey.subarray(0, 6)])
    expect(bytes.some((part) => part.includes(hidden))).toBe(false)
})

describe('a sealed value does not open', () => {
  test('for another context: moved to another row it is worth nothing', () => {
    const sealed = ring.seal('secret', CONTEXT)
    for (const context of [sealContext.addonPassword('addon_2'), sealContext.archiveCipher('addon_1'), ''])
      expect(() => ring.open(sealed, context)).toThrow('A sealed secret cannot be opened')
  })

  test('under another key', () => {
    expect(() => keyRing([newKey]).open(ring.seal('secret', CONTEXT), CONTEXT)).toThrow(
      'A sealed secret cannot be opened',
    )
  })

  test('when any of its bytes is changed', () => {
    const parts = ring.seal('secret', CONTEXT).split('.')
    for (const [at, part] of parts.entries()) {
      const changed = at === 0 ? 'v2' : Buffer.from(part, 'base64url').fill(0, 0, 1).toString('base64url')
      if (changed === part) continue
      const text = parts.with(at, changed).join('.')
      expect(() => ring.open(text, CONTEXT), text).toThrow('A sealed secret cannot be opened')
    }
  })

  test('when its tag is cut short', () => {
    const parts = ring.seal('secret', CONTEXT).split('.')
    const tag = Buffer.from(parts[3] ?? '', 'base64url')
      .subarray(0, 4)
      .toString('base64url')
    expect(() => ring.open(parts.with(3, tag).join('.'), CONTEXT)).toThrow('A sealed secret cannot be opened')
  })

  test.each(['', 'v1', 'v1.....', 'plain text'])('when it is none: %j', (text) => {
    expect(() => ring.open(text, CONTEXT)).toThrow('A sealed secret cannot be opened')
  })
})

test('a ring seals under its first key and opens under all: that is how the key is changed', () => {
  const both = keyRing([newKey, oldKey])
  expect(both.open(ring.seal('secret', CONTEXT), CONTEXT)).toBe('secret')
  expect(keyRing([newKey]).open(both.seal('secret', CONTEXT), CONTEXT)).toBe('secret')
})
