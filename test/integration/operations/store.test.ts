import { beforeAll, describe, expect, test } from 'vitest'
import {
  type Decision,
  LeaseLostError,
  type OperationStore,
  operationStore,
} from '../../../src/operations/store.ts'
import { type FreshMetadata, freshMetadata } from '../../support/metadata-database.ts'
import { anOperation, aTenant, letPass, readOperation } from './rows.ts'

const LEASE_SECONDS = 15
const decision: Decision = {
  step: 'second',
  runInSeconds: 0,
  keepLease: true,
  memo: { learnt: 1 },
  extendSeconds: null,
  error: null,
  failure: null,
  finalStatus: null,
  writes: [],
}
const waiting: Decision = { ...decision, runInSeconds: 60, keepLease: false }
const finished: Decision = { ...decision, runInSeconds: null, keepLease: false, finalStatus: 'succeeded' }

let metadata: FreshMetadata
let store: OperationStore
beforeAll(async () => {
  metadata = await freshMetadata()
  store = operationStore(metadata.db, LEASE_SECONDS)
  return metadata.drop
})

async function queued() {
  return anOperation(metadata.db, await aTenant(metadata.db), { memo: { given: 1 } })
}

async function claimed() {
  const wakeUp = await queued()
  const claim = await store.claim(wakeUp)
  if (claim === null) throw new Error('nobody else can hold the lease')
  return { wakeUp, claim }
}

describe('a claim', () => {
  test('begins a queued operation and counts the attempt', async () => {
    const { wakeUp, claim } = await claimed()
    expect(claim).toMatchObject({
      id: wakeUp.operationId,
      version: 1,
      step: 'queued',
      attempt: 1,
      memo: { given: 1 },
    })
    expect(await readOperation(metadata.db, wakeUp)).toMatchObject({
      status: 'running',
      started_at: expect.any(String),
    })
  })

  test('of a version that has moved on is refused', async () => {
    const { wakeUp, claim } = await claimed()
    const next = await store.commit(claim, { ...waiting, runInSeconds: 0 })
    expect(await store.claim(wakeUp)).toBeNull()
    expect(await store.claim({ ...wakeUp, version: next.version })).not.toBeNull()
  })

  test('of a version that is yet to come is refused', async () => {
    const wakeUp = await queued()
    expect(await store.claim({ ...wakeUp, version: 2 })).toBeNull()
  })

  test('before its time is refused, unless the wait was cut short', async () => {
    const { wakeUp, claim } = await claimed()
    const { version } = await store.commit(claim, waiting)
    expect(await store.claim({ ...wakeUp, version })).toBeNull()
    expect(await store.claim({ ...wakeUp, version }, { early: true })).toMatchObject({ step: 'second' })
  })

  test('is due when its time has come', async () => {
    const { wakeUp, claim } = await claimed()
    const { version } = await store.commit(claim, waiting)
    await letPass(metadata.db, wakeUp, 60)
    expect(await store.claim({ ...wakeUp, version })).not.toBeNull()
  })

  test('is refused while somebody holds the lease', async () => {
    const { wakeUp } = await claimed()
    expect(await store.claim(wakeUp)).toBeNull()
    expect(await store.claim(wakeUp, { early: true })).toBeNull()
  })

  test('of a finished operation is refused', async () => {
    const { wakeUp, claim } = await claimed()
    const { version } = await store.commit(claim, finished)
    expect(await store.claim({ ...wakeUp, version })).toBeNull()
  })

  test('is won by exactly one of eight workers, be the operation queued, waiting or abandoned', async () => {
    const race = async (wakeUp: { operationId: string; version: number }) => {
      const claims = await Promise.all(Array.from({ length: 8 }, () => store.claim(wakeUp)))
      const [winner, ...others] = claims.filter((claim) => claim !== null)
      expect(others).toEqual([])
      if (winner === undefined) throw new Error('nobody has won')
      return winner
    }
    const wakeUp = await queued()
    const first = await race(wakeUp)
    const { version } = await store.commit(first, { ...waiting, runInSeconds: 0 })
    await race({ ...wakeUp, version })
    await letPass(metadata.db, wakeUp, LEASE_SECONDS + 1)
    await race({ ...wakeUp, version })
  })
})

describe('a lease that has run out', () => {
  async function takenOver() {
    const { wakeUp, claim: old } = await claimed()
    await letPass(metadata.db, wakeUp, LEASE_SECONDS + 1)
    const taker = await store.claim(wakeUp)
    if (taker === null) throw new Error('the lease has run out')
    return { wakeUp, old, taker }
  }

  test('is taken over, as one attempt more', async () => {
    const { old, taker } = await takenOver()
    expect(taker).toMatchObject({ id: old.id, version: old.version, attempt: 2 })
  })

  test('lets its old holder neither commit nor renew', async () => {
    const { wakeUp, old, taker } = await takenOver()
    let written = false
    const write = async () => {
      written = true
    }
    await expect(store.commit(old, decision)).rejects.toThrow(LeaseLostError)
    await expect(store.commit(old, { ...decision, writes: [write] })).rejects.toThrow(LeaseLostError)
    expect(await store.renew(old)).toBe(false)
    expect(written).toBe(false)
    expect(await readOperation(metadata.db, wakeUp)).toMatchObject({ version: 1, step: 'queued' })
    expect(await store.renew(taker)).toBe(true)
    expect(await store.commit(taker, decision)).toMatchObject({ version: 2, step: 'second' })
  })

  test('still lets its holder commit while nobody else has come', async () => {
    const { wakeUp, claim } = await claimed()
    await letPass(metadata.db, wakeUp, LEASE_SECONDS + 1)
    expect(await store.commit(claim, decision)).toMatchObject({ version: 2 })
  })
})

describe('a renewal', () => {
  test('keeps others out for the length of a lease more', async () => {
    const { wakeUp, claim } = await claimed()
    await letPass(metadata.db, wakeUp, LEASE_SECONDS - 1)
    expect(await store.renew(claim)).toBe(true)
    await letPass(metadata.db, wakeUp, 2)
    expect(await store.claim(wakeUp)).toBeNull()
  })
})

describe('a commit', () => {
  test('that keeps the lease goes on under the same token, one that waits gives it back', async () => {
    const { claim } = await claimed()
    const next = await store.commit(claim, decision)
    expect(next).toMatchObject({ version: 2, leaseToken: claim.leaseToken, attempt: 1 })
    expect(await store.commit(next, waiting)).toMatchObject({ version: 3, leaseToken: null, attempt: 0 })
  })

  test('that fails writes nothing of itself', async () => {
    const { wakeUp, claim } = await claimed()
    const write = () => Promise.reject(new Error('the write is wrong'))
    await expect(store.commit(claim, { ...decision, writes: [write] })).rejects.toThrow('the write is wrong')
    expect(await readOperation(metadata.db, wakeUp)).toMatchObject({
      version: 1,
      step: 'queued',
      memo: { given: 1 },
    })
  })

  test('is done once only, though asked for twice', async () => {
    const { claim } = await claimed()
    const commits = await Promise.allSettled([store.commit(claim, decision), store.commit(claim, decision)])
    expect(commits.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })

  test('writes the history, one row for each visit of a step', async () => {
    const { wakeUp, claim } = await claimed()
    const second = await store.commit(claim, decision)
    await store.commit(second, { ...waiting, error: 'not yet' })
    await letPass(metadata.db, wakeUp, 60)
    const again = await store.claim({ ...wakeUp, version: 3 })
    if (again === null) throw new Error('its time has come')
    await store.commit(again, finished)
    const steps = await metadata.db
      .selectFrom('operation_step')
      .selectAll()
      .where('operation_id', '=', wakeUp.operationId)
      .orderBy('ordinal')
      .execute()
    expect(steps).toMatchObject([
      { ordinal: 1, step: 'second', left_at: expect.any(String), attempts: 2, error: 'not yet' },
    ])
    expect(await readOperation(metadata.db, wakeUp)).toMatchObject({
      status: 'succeeded',
      finished_at: expect.any(String),
    })
  })
})
