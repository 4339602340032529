import { randomBytes } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { DEFAULT_POLICY } from '../../../src/domain/backup-policy.ts'
import { openDoorbell } from '../../../src/operations/queue.ts'
import type { WorkDeps } from '../../../src/operations/server-work.ts'
import type { WakeUp } from '../../../src/operations/wake-up.ts'
import { startWorker } from '../../../src/operations/worker.ts'
import {
  defineWorkflow,
  finish,
  go,
  type Outcome,
  type StepContext,
  wait,
} from '../../../src/operations/workflow.ts'
import { keyRing } from '../../../src/secrets/key-ring.ts'
import { newLife } from '../../support/fake/life.ts'
import { emptyWorld } from '../../support/fake/world.ts'
import { until } from '../../support/until.ts'
import { type QueueGround, queueGround } from './queue-ground.ts'
import { anOperation, aTenant, readOperation } from './rows.ts'
import { fakeWorkDeps } from './stage.ts'

const memo = z.object({ waited: z.boolean().default(false) })
type Run = (context: StepContext<z.infer<typeof memo>, WorkDeps>) => Promise<Outcome<'work' | 'end'>>

const RARELY_SECONDS = 600

/** API and worker as two processes have them: pools and queues of their own. */
async function start(ground: QueueGround, run: Run, sweepEverySeconds = RARELY_SECONDS) {
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const doorbell = openDoorbell(ground.api.backend, onError)
  const workerDoorbell = openDoorbell(ground.worker.backend, onError)
  const stage = { db: ground.worker.db, keyRing: keyRing([randomBytes(32)]), world: emptyWorld() }
  const workflow = defineWorkflow<WorkDeps>()({
    kind: 'addon.provision',
    memo,
    start: 'work',
    onFailure: null,
    timeLimitSeconds: 600,
    steps: { work: { run }, end: { run: async () => finish() } },
  })
  const worker = startWorker({
    db: ground.worker.db,
    backend: ground.worker.backend,
    doorbell: workerDoorbell,
    workflows: new Map([[workflow.kind, workflow]]),
    workDeps: () => fakeWorkDeps(stage, newLife()),
    leaseSeconds: 15,
    concurrency: 4,
    sweepEverySeconds,
    reconcileEverySeconds: RARELY_SECONDS,
    schedule: {
      platformPolicy: DEFAULT_POLICY,
      backupsMax: 4,
      keyRing: keyRing([randomBytes(32)]),
      eventsKeptDays: 30,
    },
    observe: () => {},
    reconciled: () => {},
    onError,
  })
  onTestFinished(async () => {
    await worker.close()
    await Promise.all([doorbell.close(), workerDoorbell.close()])
  })
  return { doorbell, errors }
}

const isFinished = async ({ api }: QueueGround, wakeUp: WakeUp) =>
  (await readOperation(api.db, wakeUp)).status === 'succeeded'

const waitOnce =
  (seconds: number): Run =>
  async ({ memo: { waited }, remember }) => {
    if (waited) return go('end')
    remember({ waited: true })
    return wait(seconds)
  }

describe.each(['postgres', 'redis'] as const)('with BullMQ in %s', (kind) => {
  test('a ring is answered by a turn, with the rights of the two roles alone', async () => {
    const ground = await queueGround(kind)
    const { doorbell, errors } = await start(ground, async () => go('end'))
    const wakeUp = await anOperation(ground.api.db, await aTenant(ground.api.db))
    await doorbell.ring(wakeUp)
    await until(() => isFinished(ground, wakeUp))
    expect(errors).toEqual([])
  })

  test('every ring of many is answered, and of a tenant no more run at once than may', async () => {
    const ground = await queueGround(kind)
    let [running, most] = [0, 0]
    const { doorbell, errors } = await start(ground, async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      return go('end')
    })
    const tenantId = await aTenant(ground.api.db, 2)
    const wakeUps = await Promise.all(Array.from({ length: 20 }, () => anOperation(ground.api.db, tenantId)))
    await Promise.all(wakeUps.map((wakeUp) => doorbell.ring(wakeUp)))
    await until(async () =>
      (await Promise.all(wakeUps.map((each) => isFinished(ground, each)))).every(Boolean),
    )
    expect(most).toBeLessThanOrEqual(2)
    expect(errors).toEqual([])
  })

  test('a wait is over after its time and not before', async () => {
    const ground = await queueGround(kind)
    const runs: number[] = []
    const { doorbell } = await start(ground, async (context) => {
      runs.push(performance.now())
      return waitOnce(0.5)(context)
    })
    const wakeUp = await anOperation(ground.api.db, await aTenant(ground.api.db))
    await doorbell.ring(wakeUp)
    await until(() => isFinished(ground, wakeUp))
    const [first = 0, second = 0] = runs
    expect(runs).toHaveLength(2)
    // Clocks of two machines may differ by a little, for which the claim makes allowance.
    expect(second - first).toBeGreaterThanOrEqual(480)
  })

  test('the same ring twice is one turn', async () => {
    const ground = await queueGround(kind)
    let runs = 0
    const { doorbell } = await start(ground, async () => {
      runs += 1
      return go('end')
    })
    const wakeUp = await anOperation(ground.api.db, await aTenant(ground.api.db))
    await Promise.all([doorbell.ring(wakeUp), doorbell.ring(wakeUp), doorbell.ring(wakeUp)])
    await until(() => isFinished(ground, wakeUp))
    await doorbell.ring(wakeUp)
    const last = await anOperation(ground.api.db, await aTenant(ground.api.db))
    await doorbell.ring(last)
    await until(() => isFinished(ground, last))
    expect(runs).toBe(2)
  })

  test('a queue that is emptied loses nothing: the sweeper rings again, and later rings are heard', async () => {
    const ground = await queueGround(kind)
    const { doorbell } = await start(ground, waitOnce(1), 0.2)
    const tenantId = await aTenant(ground.api.db)
    const wakeUps = await Promise.all([1, 2, 3].map(() => anOperation(ground.api.db, tenantId)))
    await Promise.all(wakeUps.map((wakeUp) => doorbell.ring(wakeUp)))
    await until(async () => {
      const rows = await Promise.all(wakeUps.map((wakeUp) => readOperation(ground.api.db, wakeUp)))
      return rows.every(({ step, lease_until: leaseUntil }) => step === 'work' && leaseUntil === null)
    })
    await ground.empty()
    await until(async () =>
      (await Promise.all(wakeUps.map((each) => isFinished(ground, each)))).every(Boolean),
    )

    const later = await anOperation(ground.api.db, tenantId)
    await doorbell.ring(later)
    await until(() => isFinished(ground, later))
    await doorbell.ping()
  })
})
