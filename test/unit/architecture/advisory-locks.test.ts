import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const src = join(import.meta.dirname, '../../../src')

test('no two advisory locks have the same number: some are held for as long as a process lives', () => {
  const numbers = globSync('**/*.ts', { cwd: src }).flatMap((file) =>
    [...readFileSync(join(src, file), 'utf8').matchAll(/_LOCK = ([\d_]+)$/gm)].map(([, number]) => number),
  )
  expect(numbers.length).toBeGreaterThanOrEqual(4)
  expect(new Set(numbers).size).toBe(numbers.length)
})
