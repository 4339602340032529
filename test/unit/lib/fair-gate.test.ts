import { expect, test } from 'vitest'
import { fairGate, GateClosed, type Leave } from '../../../src/lib/fair-gate.ts'

const LIMITS = { inside: 3, insideOfGroup: 2, waitingOfGroup: 10, waitSeconds: 60 }

/** Enters, and records who is let in. */
function visitor(gate: ReturnType<typeof fairGate>, seen: string[]) {
  return async (group: string): Promise<Leave> => {
    const leave = await gate.enter(group)
    seen.push(group)
    return leave
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

test('one group never has more inside than its share, though there is room', async () => {
  const seen: string[] = []
  const enter = visitor(fairGate(LIMITS), seen)
  for (let n = 0; n < 5; n++) void enter('a')
  void enter('b')
  await settle()
  expect(seen).toEqual(['a', 'a', 'b'])
})

test('groups take turns, however many of one wait', async () => {
  const seen: string[] = []
  const gate = fairGate({ ...LIMITS, inside: 1 })
  const enter = visitor(gate, seen)
  const stay = async (group: string) => {
    const leave = await enter(group)
    await settle()
    leave()
  }
  await Promise.all('aaaaaabbc'.split('').map(stay))
  expect(seen.slice(0, 6).filter((group) => group === 'a')).toHaveLength(3)
  expect(seen.indexOf('c')).toBeLessThan(4)
  expect(seen).toHaveLength(9)
})

test('who leaves twice makes room once', async () => {
  const seen: string[] = []
  const gate = fairGate({ ...LIMITS, insideOfGroup: 1 })
  const leave = await gate.enter('a')
  const enter = visitor(gate, seen)
  void enter('a')
  void enter('a')
  leave()
  leave()
  await settle()
  expect(seen).toEqual(['a'])
})

test('beyond those that may wait nobody does, and whose doing it is is told', async () => {
  const gate = fairGate({ ...LIMITS, waitingOfGroup: 0 })
  await gate.enter('a')
  await gate.enter('a')
  expect(() => gate.enter('a')).toThrow(expect.objectContaining({ ownLimit: true }))
  await gate.enter('b')
  expect(() => gate.enter('c')).toThrow(expect.objectContaining({ ownLimit: false }))
})

test('who has waited too long is sent away, and takes nobody’s place', async () => {
  const gate = fairGate({ ...LIMITS, inside: 1, waitSeconds: 0.001 })
  const leave = await gate.enter('a')
  await expect(gate.enter('b')).rejects.toBeInstanceOf(GateClosed)
  leave()
  await gate.enter('c')
})
