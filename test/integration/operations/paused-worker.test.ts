import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Db } from '../../../src/db/client.ts'
import { fenced } from '../../../src/operations/fence.ts'
import { turn } from '../../../src/operations/runner.ts'
import type { WorkDeps } from '../../../src/operations/server-work.ts'
import { type Claim, type OperationStore, operationStore } from '../../../src/operations/store.ts'
import type { WakeUp } from '../../../src/operations/wake-up.ts'
import { defineWorkflow, finish, go } from '../../../src/operations/workflow.ts'
import { fakeArchives, fakeDriver } from '../../support/fake/driver.ts'
import { newLife } from '../../support/fake/life.ts'
import { emptyWorld } from '../../support/fake/world.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { until } from '../../support/until.ts'
import { newBench } from './bench.ts'
import { anOperation, aTenant, readOperation } from './rows.ts'

const LEASE_SECONDS = 0.2

type Acts = Pick<WorkDeps, 'driver' | 'archives' | 'assertHeld'>

/** A worker whose process stands still in the middle of its step until another one has taken the operation over. */
async function pausedIn(act: (acts: Acts) => Promise<unknown>) {
  const { db } = await freshMetadata()
  const life = newLife()
  const takenOver = Promise.withResolvers<Claim>()
  const begun = Promise.withResolvers<void>()
  let refusal: unknown
  const workflow = defineWorkflow<Acts>()({
    kind: 'addon.provision',
    memo: z.object({}),
    start: 'act',
    onFailure: null,
    timeLimitSeconds: 600,
    steps: {
      act: {
        async run({ deps }) {
          begun.resolve()
          await takenOver.promise
          await act(deps).catch((error: unknown) => {
            refusal = error
            throw error
          })
          return go('next')
        },
      },
      next: { run: async () => finish() },
    },
  })
  const depsFor = ({ assertHeld }: { assertHeld: () => void }): Acts => ({
    driver: fenced(fakeDriver(emptyWorld(), life), assertHeld),
    archives: fenced(fakeArchives(emptyWorld(), life), assertHeld),
    assertHeld,
  })
  const bench = newBench(db, { workflow, depsFor, store: standingStill(db), leaseSeconds: LEASE_SECONDS })
  const wakeUp = await anOperation(db, await aTenant(db))
  const turning = turn(bench.runner, wakeUp)
  await begun.promise
  takenOver.resolve(await takeOver(db, { ...wakeUp, version: 2 }))
  await turning
  return {
    db,
    wakeUp,
    calls: life.calls,
    turns: bench.turns,
    refusal: () => refusal,
    taker: await takenOver.promise,
  }
}

/** Nothing is renewed by a process that stands still. */
function standingStill(db: Db): OperationStore {
  return { ...operationStore(db, LEASE_SECONDS), renew: () => new Promise(() => {}) }
}

async function takeOver(db: Db, wakeUp: WakeUp): Promise<Claim> {
  const store = operationStore(db, 15)
  let claim: Claim | null = null
  await until(async () => {
    claim = await store.claim(wakeUp)
    return claim !== null
  })
  if (claim === null) throw new Error('the lease has run out')
  return claim
}

describe('a worker that wakes up after its lease', () => {
  test.each([
    ['starts no task', ({ driver }: Acts) => driver.startTask('srv_1', 'initdb', { argv: ['initdb'] })],
    ['destroys no server', ({ driver }: Acts) => driver.destroyInstance('srv_1')],
    ['makes no archive', ({ archives }: Acts) => archives.ensure('tnt_1', 'srv_1')],
    ['runs no SQL', async ({ assertHeld }: Acts) => assertHeld()],
  ])('%s', async (_what, act) => {
    const { calls, refusal, turns } = await pausedIn(async (acts) => act(acts))
    expect(refusal()).toMatchObject({ name: 'LeaseLostError' })
    expect(calls).toEqual([])
    expect(turns.map(({ step }) => step)).toEqual(['queued'])
  })

  test('commits nothing, and the one that has taken over goes on', async () => {
    const { db, wakeUp, turns, taker } = await pausedIn(async () => {})
    expect(turns.map(({ step }) => step)).toEqual(['queued'])
    expect(await readOperation(db, wakeUp)).toMatchObject({
      step: 'act',
      version: 2,
      lease_token: taker.leaseToken,
    })
    expect(await operationStore(db, 15).renew(taker)).toBe(true)
  })

  test('may still look', async () => {
    const { calls, refusal } = await pausedIn(async ({ driver }) => driver.postgresState('srv_1'))
    expect(refusal()).toBeUndefined()
    expect(calls).toMatchObject([{ name: 'postgresState' }])
  })
})
