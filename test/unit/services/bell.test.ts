import { expect, test } from 'vitest'
import { newBell } from '../../../src/services/bell.ts'

const never = new AbortController().signal

test('a ring wakes whoever waits, and one that comes first is not lost', async () => {
  const bell = newBell()
  const waiting = bell.wait(3600, never)
  bell.ring()
  expect(await waiting).toBe(true)
  bell.ring()
  bell.ring()
  expect(await bell.wait(3600, never)).toBe(true)
  expect(await bell.wait(0, never)).toBe(false)
})

test('waiting ends with the signal, before and after it is given', async () => {
  const bell = newBell()
  const ending = new AbortController()
  const waiting = bell.wait(3600, ending.signal)
  ending.abort()
  expect(await waiting).toBe(false)
  expect(await bell.wait(3600, ending.signal)).toBe(false)
})
