import { expect, test } from 'vitest'
import { briefMemory } from '../../../src/lib/brief-memory.ts'

function memory() {
  const clock = { now: 0 }
  return { clock, memory: briefMemory<string>(100, () => clock.now) }
}

test('an answer is remembered from before its question on', async () => {
  const { clock, memory: known } = memory()
  await known.learn('key', async () => {
    clock.now = 60
    return 'old'
  })
  clock.now = 99
  expect(known.get('key')).toBe('old')
  clock.now = 100
  expect(known.get('key')).toBeUndefined()
})

test('a newer answer takes the place of an older one', async () => {
  const { clock, memory: known } = memory()
  await known.learn('key', async () => 'old')
  clock.now = 50
  await known.learn('key', async () => 'new')
  clock.now = 149
  expect(known.get('key')).toBe('new')
})

test('that there is no answer is not remembered', async () => {
  const { memory: known } = memory()
  expect(await known.learn('key', async () => undefined)).toBeUndefined()
  expect(known.size).toBe(0)
})

test('what is over takes no room once something else is learnt', async () => {
  const { clock, memory: known } = memory()
  for (let number = 0; number < 1000; number++) {
    clock.now = number
    await known.learn(String(number), async () => 'value')
  }
  expect(known.size).toBe(100)
})
