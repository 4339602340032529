import { expect, test } from 'vitest'
import { allows, DEFAULT_SCOPES, SCOPES } from '../../../src/domain/scopes.ts'

test('all of the needed scopes have to be there, and admin stands for each', () => {
  for (const scope of SCOPES) {
    expect(allows([scope], [scope])).toBe(true)
    expect(allows(['admin'], [scope])).toBe(true)
    expect(allows([], [scope])).toBe(false)
  }
  expect(allows(['addons:read'], ['addons:read', 'restores:write'])).toBe(false)
  expect(allows(DEFAULT_SCOPES, ['admin'])).toBe(false)
})
