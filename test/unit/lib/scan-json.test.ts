import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scanJson } from '../../../src/lib/scan-json.ts'

const DEPTH_MAX = 8

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('scanning JSON', () => {
  test('finds nothing in what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: DEPTH_MAX - 1 }), (text) => {
        expect(scanJson(text, DEPTH_MAX)).toBe(null)
      }),
    )
  })

  test('takes and refuses what JSON.parse does', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"b"',
      '1',
      '-0.5e+3',
      '01',
      'null',
      'tru',
      ' ',
      '\n',
      '"\\u00zz"',
      '\u0001',
      '"\u007f"',
      "'",
    ]
    const texts = fc.array(fc.constantFrom(...pieces), { maxLength: 7 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(texts, (text) => {
        const fault = scanJson(text, DEPTH_MAX)
        // Refused beyond grammar.
        if (fault?.detail.includes('twice') || fault?.detail.includes('too large')) return
        expect(fault === null, text).toBe(parses(text))
      }),
      { numRuns: 5000 },
    )
  })

  test.each([
    ['{"a":1,"a":2}', 'has a name twice in one object', 7],
    ['{"a":1,"\\u0061":2}', 'has a name twice in one object', 7],
    ['{"a": secret}', 'is not JSON', 6],
    ['{"a":1', 'ends too early', 6],
    ['{"a":1} x', 'goes on after its end', 8],
    ['[1e999]', 'has a number that is too large', 1],
    ['['.repeat(9), 'is nested more than 8 deep', 8],
    [`[${'{"a":'.repeat(100_000)}`, 'is nested more than 8 deep', 36],
    ['{"a":"\ud800\n"}', 'is not JSON', 5],
  ])('says where: %.20s', (text, detail, position) => {
    expect(scanJson(text, DEPTH_MAX)).toEqual({ detail, position })
  })

  test('takes a name again in another object', () => {
    expect(scanJson('[{"a":{"a":1}},{"a":2}]', DEPTH_MAX)).toBe(null)
  })
})
