import { expect, test } from 'vitest'
import { inBatches } from '../../../src/lib/in-batches.ts'

/** Answers what the truth is when it is asked, once it is let go. */
function oracle() {
  const truth = new Map([['a', 1]])
  const asked: string[][] = []
  const waiting: (() => void)[] = []
  const find = inBatches(async (keys) => {
    asked.push(keys)
    const answers = new Map(truth)
    await new Promise<void>((resolve) => waiting.push(resolve))
    return answers
  })
  return { truth, asked, find, letGo: () => waiting.shift()?.() }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

test('those who come while an answer is awaited are asked for together, each key once', async () => {
  const { asked, find, letGo } = oracle()
  const first = find('a')
  await settle()
  const others = Promise.all([find('a'), find('b'), find('a')])
  letGo()
  expect(await first).toBe(1)
  await settle()
  letGo()
  expect(await others).toEqual([1, undefined, 1])
  expect(asked).toEqual([['a'], ['a', 'b']])
})

test('nobody is given an answer that was asked for before the question', async () => {
  const { truth, find, letGo } = oracle()
  const before = find('a')
  await settle()
  truth.delete('a')
  const after = find('a')
  letGo()
  expect(await before).toBe(1)
  await settle()
  letGo()
  expect(await after).toBeUndefined()
})

test('a failure is told to those it concerns, and the next are asked for all the same', async () => {
  let fails = true
  const find = inBatches(async () => {
    if (fails) throw new Error('away')
    return new Map([['a', 1]])
  })
  await expect(Promise.all([find('a'), find('b')])).rejects.toThrow('away')
  fails = false
  expect(await find('a')).toBe(1)
})
