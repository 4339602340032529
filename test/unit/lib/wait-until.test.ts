import { expect, test } from 'vitest'
import { waitUntil } from '../../../src/lib/wait-until.ts'

test('answers true as soon as the condition holds', async () => {
  let asked = 0
  const condition = async () => ++asked === 3
  expect(await waitUntil(condition, { timeoutSeconds: 10, everyMilliseconds: 1 })).toBe(true)
  expect(asked).toBe(3)
})

test('answers false when the condition does not hold in time, which is asked for once at least', async () => {
  let asked = 0
  const condition = () => {
    asked += 1
    return false
  }
  expect(await waitUntil(condition, { timeoutSeconds: 0 })).toBe(false)
  expect(asked).toBe(1)
})

test('passes on what the condition throws', async () => {
  const condition = () => Promise.reject(new Error('cannot tell'))
  await expect(waitUntil(condition, { timeoutSeconds: 10 })).rejects.toThrow('cannot tell')
})
