import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { holdLease } from '../../../src/operations/lease.ts'
import { type Claim, LeaseLostError, type OperationStore } from '../../../src/operations/store.ts'

const LEASE_SECONDS = 15
const claim = { id: 'op_1', leaseToken: 'token' } as Claim

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A lease whose renewals are answered so. */
function held(renew: OperationStore['renew'], claimedAt = performance.now()) {
  const asked = vi.fn(renew)
  const store = { renew: asked } as Partial<OperationStore> as OperationStore
  return { lease: holdLease(store, () => claim, LEASE_SECONDS, claimedAt), asked }
}

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000)

test('a lease that is renewed is held on', async () => {
  const { lease, asked } = held(async () => true)
  await pass(60)
  lease.assertHeld()
  expect(lease.signal.aborted).toBe(false)
  expect(asked.mock.calls.length).toBe(12)
})

test('a lease that somebody else has taken is lost at once', async () => {
  const { lease } = held(async () => false)
  await pass(5)
  expect(() => lease.assertHeld()).toThrow(LeaseLostError)
  expect(lease.signal.aborted).toBe(true)
})

test('a lease that cannot be renewed runs out, and is held again when a renewal succeeds after all', async () => {
  let reachable = false
  const { lease } = held(async () => {
    if (!reachable) throw new Error('the metadata database is away')
    return true
  })
  await pass(14)
  lease.assertHeld()
  await pass(2)
  expect(() => lease.assertHeld()).toThrow(LeaseLostError)
  reachable = true
  await pass(5)
  lease.assertHeld()
})

test('a lease counts from before it was asked for, however late the answer came', async () => {
  const { lease } = held(() => new Promise(() => {}), performance.now() - 10_000)
  await pass(4)
  lease.assertHeld()
  await pass(2)
  expect(() => lease.assertHeld()).toThrow(LeaseLostError)
})

test('a renewal counts from before it was asked for', async () => {
  const first = Promise.withResolvers<boolean>()
  const { lease, asked } = held(() => (asked.mock.calls.length === 1 ? first.promise : new Promise(() => {})))
  await pass(14)
  first.resolve(true)
  await pass(5)
  // Asked for after 5 s, so good for 20 s, though answered after 14 s.
  lease.assertHeld()
  await pass(2)
  expect(() => lease.assertHeld()).toThrow(LeaseLostError)
})

test('a lease that was given back is renewed no more', async () => {
  const { lease, asked } = held(async () => true)
  lease[Symbol.dispose]()
  await pass(60)
  expect(asked).not.toHaveBeenCalled()
})
