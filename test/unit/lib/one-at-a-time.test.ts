import { expect, test } from 'vitest'
import { oneAtATime } from '../../../src/lib/one-at-a-time.ts'

test('work asked for while it runs runs once more, never twice at once, and not after the stop', async () => {
  let runs = 0
  let atOnce = 0
  const work = oneAtATime(
    async () => {
      runs += 1
      atOnce += 1
      expect(atOnce).toBe(1)
      await Promise.resolve()
      atOnce -= 1
      if (runs === 1) for (let times = 0; times < 5; times++) work.ask()
    },
    (error) => {
      throw error
    },
  )
  work.ask()
  await new Promise((resolve) => setImmediate(resolve))
  expect(runs).toBe(2)
  await work.stop()
  work.ask()
  await new Promise((resolve) => setImmediate(resolve))
  expect(runs).toBe(2)
})

test('work that fails is reported, and can be asked for again', async () => {
  const errors: unknown[] = []
  const work = oneAtATime(
    async () => {
      throw new Error('no')
    },
    (error) => errors.push(error),
  )
  for (let times = 0; times < 2; times++) {
    work.ask()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(errors).toHaveLength(2)
})
