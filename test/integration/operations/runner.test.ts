import { beforeAll, describe, expect, test } from 'vitest'
import type { Db } from '../../../src/db/client.ts'
import { turn } from '../../../src/operations/runner.ts'
import type { WakeUp } from '../../../src/operations/wake-up.ts'
import { finish, go, wait } from '../../../src/operations/workflow.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { until } from '../../support/until.ts'
import { readOperation } from './rows.ts'
import { twoSteps } from './two-steps.ts'

let db: Db
beforeAll(async () => {
  const metadata = await freshMetadata()
  db = metadata.db
  return metadata.drop
})

describe('a turn', () => {
  test('goes from step to step and commits each, without ringing in between', async () => {
    const { runner, wakeUp, turns, rings, finished } = await twoSteps(db, {})
    await turn(runner, wakeUp)
    expect(turns.map(({ step, next }) => `${step} → ${next}`)).toEqual([
      'queued → one',
      'one → two',
      'two → two',
    ])
    expect(rings).toEqual([])
    expect(finished).toEqual([wakeUp.operationId])
    expect(await readOperation(db, wakeUp)).toMatchObject({
      status: 'succeeded',
      version: 4,
      lease_token: null,
    })
  })

  test('hands what a step has remembered to the steps after it', async () => {
    const { runner, wakeUp } = await twoSteps(db, {
      one: async ({ remember }) => {
        remember({ seen: ['one'] })
        return go('two')
      },
      two: async ({ remember, memo: { seen } }) => {
        remember({ seen: [...seen, 'two'] })
        return finish()
      },
    })
    await turn(runner, wakeUp)
    expect(await readOperation(db, wakeUp)).toMatchObject({ memo: { seen: ['one', 'two'] } })
  })

  test('that waits gives its claim back and rings for the time it is to go on', async () => {
    const { runner, wakeUp, rings } = await twoSteps(db, { one: async () => wait(30) })
    await turn(runner, wakeUp)
    expect(rings).toEqual([{ operationId: wakeUp.operationId, version: 3, delaySeconds: 30 }])
    expect(await readOperation(db, wakeUp)).toMatchObject({ step: 'one', lease_until: null })
  })

  test('that comes too early does nothing', async () => {
    const { runner, wakeUp, rings, turns } = await twoSteps(db, { one: async () => wait(30) })
    await turn(runner, wakeUp)
    await turn(runner, rings[0] ?? wakeUp)
    expect(turns).toHaveLength(2)
  })

  test.each(['resolves', 'rejects'] as const)(
    'whose wait ends when a promise %s is taken again then',
    async (how) => {
      const task = Promise.withResolvers<void>()
      let runs = 0
      const { runner, wakeUp, cutShort } = await twoSteps(db, {
        one: async () => (++runs === 1 ? wait(3600, () => task.promise) : finish()),
      })
      await turn(runner, wakeUp)
      expect(cutShort).toEqual([])
      if (how === 'resolves') task.resolve()
      else task.reject(new Error('the task is lost'))
      await until(() => cutShort.length === 1)
      await turn(runner, cutShort[0] ?? wakeUp, true)
      expect(await readOperation(db, wakeUp)).toMatchObject({ status: 'succeeded' })
    },
  )
})

describe('a step that throws', () => {
  test('is repeated later and later, and what the failed attempt remembered is dropped', async () => {
    const attempts: { attempt: number; seen: string[] }[] = []
    const { runner, wakeUp, rings } = await twoSteps(db, {
      one: async ({ attempt, memo: { seen }, remember }) => {
        attempts.push({ attempt, seen })
        remember({ seen: ['lost'] })
        throw new Error('not yet')
      },
    })
    await turn(runner, wakeUp)
    await turn(runner, rings[0] ?? wakeUp, true)
    await turn(runner, rings[1] ?? wakeUp, true)
    expect(attempts).toEqual([1, 2, 3].map((attempt) => ({ attempt, seen: [] })))
    const longest = [0.5, 1, 2]
    expect(rings.map(({ delaySeconds }, at) => delaySeconds <= (longest[at] ?? 0))).toEqual([
      true,
      true,
      true,
    ])
    const history = db.selectFrom('operation_step').selectAll().where('operation_id', '=', wakeUp.operationId)
    expect(await history.execute()).toMatchObject([{ step: 'one', attempts: 3, error: 'not yet' }])
  })

  test('writes nothing of what was to go into its commit', async () => {
    const { runner, wakeUp } = await twoSteps(db, {
      one: async ({ inCommit, tenantId }) => {
        inCommit(
          async (tx) =>
            void (await tx
              .updateTable('tenant')
              .set({ name: 'written' })
              .where('id', '=', tenantId)
              .execute()),
        )
        throw new Error('not yet')
      },
    })
    await turn(runner, wakeUp)
    const { tenant_id: id } = await readOperation(db, wakeUp)
    const tenant = await db.selectFrom('tenant').select('name').where('id', '=', id).executeTakeFirst()
    expect(tenant).toEqual({ name: 'acme' })
  })
})

describe('follow-up work', () => {
  const followUps = ({ operationId }: WakeUp) =>
    db
      .selectFrom('operation')
      .selectAll()
      .where('id', '>', operationId)
      .where('kind', '=', 'backup.take')
      .execute()

  test('is queued on the same server by the commit that finishes the work', async () => {
    const { runner, wakeUp } = await twoSteps(db, {
      two: async ({ followUp }) => {
        followUp({ kind: 'backup.take', memo: { backupId: 'bak_1' } })
        return finish()
      },
    })
    await turn(runner, wakeUp)
    const { server_id: serverId } = await readOperation(db, wakeUp)
    expect(await followUps(wakeUp)).toMatchObject([
      { server_id: serverId, status: 'queued', memo: { backupId: 'bak_1' } },
    ])
  })

  test('that cannot be queued keeps the work unfinished', async () => {
    const { runner, wakeUp } = await twoSteps(db, {
      two: async ({ followUp, inCommit }) => {
        followUp({ kind: 'backup.take', memo: {} })
        inCommit(() => Promise.reject(new Error('the commit fails')))
        return finish()
      },
    })
    await expect(turn(runner, wakeUp)).rejects.toThrow('the commit fails')
    expect(await followUps(wakeUp)).toEqual([])
    expect(await readOperation(db, wakeUp)).toMatchObject({ step: 'two', finished_at: null })
  })
})
