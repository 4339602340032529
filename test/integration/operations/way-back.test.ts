import { beforeAll, describe, expect, test } from 'vitest'
import type { Db } from '../../../src/db/client.ts'
import { Problem } from '../../../src/domain/problem.ts'
import { turn } from '../../../src/operations/runner.ts'
import type { WakeUp } from '../../../src/operations/wake-up.ts'
import { finish, go, wait } from '../../../src/operations/workflow.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { letPass, readOperation, workOn } from './rows.ts'
import { twoSteps } from './two-steps.ts'

let db: Db
beforeAll(async () => {
  const metadata = await freshMetadata()
  db = metadata.db
  return metadata.drop
})

const requestCancel = ({ operationId }: WakeUp) =>
  db.updateTable('operation').set({ cancel_requested: true }).where('id', '=', operationId).execute()

const never = async (): Promise<never> => {
  throw new Error('this step is not to be run')
}

describe('a problem', () => {
  test('leads to the way back, which is told of it, and is stored', async () => {
    const failures: unknown[] = []
    const { runner, wakeUp, stepsTaken } = await twoSteps(db, {
      one: async () => {
        throw new Problem('wal-missing', { detail: 'of segment 7' })
      },
      undo: async ({ failure }) => {
        failures.push(failure)
        return finish()
      },
    })
    await turn(runner, wakeUp)
    const failure = { code: 'wal-missing', title: expect.any(String), detail: 'of segment 7' }
    expect(failures).toEqual([failure])
    expect(stepsTaken()).toEqual(['queued', 'one', 'undo'])
    expect(await readOperation(db, wakeUp)).toMatchObject({ status: 'failed', failure })
  })

  test('on the way back is no second failure: cleaning is repeated until it succeeds', async () => {
    let cleanings = 0
    const { wakeUp, runToEnd } = await twoSteps(db, {
      one: async () => {
        throw new Problem('wal-missing')
      },
      undo: async () => {
        if (++cleanings < 4) throw cleanings === 2 ? new Problem('internal-error') : new Error('still in use')
        return finish()
      },
    })
    await runToEnd(wakeUp)
    expect(cleanings).toBe(4)
    expect(await readOperation(db, wakeUp)).toMatchObject({
      status: 'failed',
      failure: { code: 'wal-missing' },
    })
  })

  test('in work without a way back is tried again', async () => {
    let runs = 0
    const { wakeUp, runToEnd } = await twoSteps(db, {
      onFailure: null,
      one: async () => {
        if (++runs === 1) throw new Problem('wal-missing')
        return finish()
      },
    })
    await runToEnd(wakeUp)
    expect(await readOperation(db, wakeUp)).toMatchObject({ status: 'succeeded', failure: null })
  })
})

describe('the time limit', () => {
  test('undoes work that has shown no progress for that long', async () => {
    const { runner, wakeUp, rings } = await twoSteps(db, { one: async () => wait(1) })
    await turn(runner, wakeUp)
    await workOn(db, wakeUp, 601)
    await turn(runner, rings[0] ?? wakeUp)
    expect(await readOperation(db, wakeUp)).toMatchObject({
      status: 'failed',
      failure: { code: 'deadline-exceeded' },
    })
  })

  test('does not count the time in which no worker came to the operation', async () => {
    const { runner, wakeUp, rings } = await twoSteps(db, { one: async () => wait(1) })
    await turn(runner, wakeUp)
    await letPass(db, wakeUp, 3600)
    await turn(runner, rings[0] ?? wakeUp)
    expect(await readOperation(db, wakeUp)).toMatchObject({ step: 'one', failure: null, finished_at: null })
  })

  test('begins again with progress', async () => {
    const { runner, wakeUp, rings } = await twoSteps(db, {
      one: async ({ extendDeadline }) => {
        extendDeadline(600)
        return wait(1)
      },
    })
    await turn(runner, wakeUp)
    await workOn(db, wakeUp, 599)
    await turn(runner, rings[0] ?? wakeUp)
    await workOn(db, wakeUp, 599)
    await turn(runner, rings[1] ?? wakeUp)
    expect(await readOperation(db, wakeUp)).toMatchObject({ step: 'one', finished_at: null })
  })

  test('does not end the way back', async () => {
    const { runner, wakeUp, rings } = await twoSteps(db, {
      one: async () => {
        throw new Problem('wal-missing')
      },
      undo: async () => wait(1),
    })
    await turn(runner, wakeUp)
    await workOn(db, wakeUp, 601)
    await turn(runner, rings[0] ?? wakeUp)
    expect(await readOperation(db, wakeUp)).toMatchObject({ step: 'undo', failure: { code: 'wal-missing' } })
  })
})

describe('a cancellation', () => {
  test('is seen before the next step', async () => {
    const { runner, wakeUp, stepsTaken } = await twoSteps(db, {
      one: async () => {
        await requestCancel(wakeUp)
        return go('two')
      },
      two: never,
    })
    await turn(runner, wakeUp)
    expect(stepsTaken()).toEqual(['queued', 'one', 'two', 'undo'])
    expect(await readOperation(db, wakeUp)).toMatchObject({
      status: 'cancelled',
      failure: { code: 'cancelled' },
    })
  })

  test('of queued work leaves out all but the way back', async () => {
    const { runner, wakeUp, stepsTaken } = await twoSteps(db, { one: never })
    await requestCancel(wakeUp)
    await turn(runner, wakeUp)
    expect(stepsTaken()).toEqual(['queued', 'undo'])
  })

  test('changes nothing in work without a way back', async () => {
    const { runner, wakeUp } = await twoSteps(db, { onFailure: null })
    await requestCancel(wakeUp)
    await turn(runner, wakeUp)
    expect(await readOperation(db, wakeUp)).toMatchObject({ status: 'succeeded' })
  })
})
