import { afterAll, beforeAll, expect, test } from 'vitest'
import { addSeconds } from '../../src/domain/moment.ts'
import { createRestore, getAddon, getRecoveryWindow } from './client/sdk.gen.ts'
import { inventory } from './support/inventory.ts'
import { archiveSegment, lose, type ServerFiles, serverBehind } from './support/server-files.ts'
import { damageSegment, removeSegment } from './support/stored-files.ts'
import {
  aProtectedAddon,
  aTenant,
  clockOf,
  ok,
  query,
  restoredChild,
  type restoreTo,
  until,
  untilFinished,
} from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

let undrop: Undrop
let tenantId: string
beforeAll(async () => {
  undrop = await startUndrop()
  tenantId = await aTenant(undrop)
})
afterAll(() => undrop.remove())

test('a target before the earliest moment, or in the future, is refused together with the window', async () => {
  const { id, login } = await aProtectedAddon(undrop, tenantId)
  const path = { addonId: id }
  const { earliest } = await ok(getRecoveryWindow({ client: undrop.client, path }))
  const refusal = async (time: string) => {
    const { error, response } = await createRestore({
      client: undrop.client,
      path,
      body: { target: { time } },
    })
    return { status: response?.status, ...error }
  }
  expect(await refusal(addSeconds(earliest ?? '', -0.000001))).toMatchObject({
    status: 422,
    type: expect.stringMatching(/\/target-before-window$/),
    earliest,
    latest: expect.any(String),
  })

  const before = await clockOf(login.url)
  const future = await refusal(addSeconds(before, 10))
  expect(future).toMatchObject({ status: 422, type: expect.stringMatching(/\/target-in-future$/), earliest })
  const { latest } = future as unknown as { latest: string }
  expect(latest > before && latest < (await clockOf(login.url))).toBe(true)
})

/** Does harm to a segment of an archive; what it returns undoes as much of it as a listing can tell. */
const DAMAGE = { missing: removeSegment, corrupted: damageSegment }

test.each(Object.entries(DAMAGE))(
  'a restore over a WAL segment that is %s by then fails as a whole; one that ends before it works',
  async (name, damage) => {
    const { id, login } = await aProtectedAddon(undrop, tenantId, name)
    const source = await serverBehind(undrop, tenantId, login.url)
    await query(login.url, `create table items as select 'a' as item`)
    const beforeHole = await clockOf(login.url)
    const [lastGood, damaged] = [await aSegment(source, login.url), await aSegment(source, login.url)]
    const behindHole = await clockOf(login.url)
    await aSegment(source, login.url)

    const before = await inventory(undrop)
    const undo = await expectWalMissing(id, [{ time: behindHole }], lastGood, () => damage(source, damaged))
    expect(await inventory(undrop)).toEqual(before)

    await undo()
    await lose(source)
    const sourceless = await inventory(undrop)
    const beyond = [{ latest: true }, { time: behindHole }] as const
    await expectWalMissing(id, beyond, lastGood, () => damage(source, damaged))
    expect(await inventory(undrop)).toEqual(sourceless)

    const { restore, login: child } = await restoredChild(undrop, id, { time: beforeHole })
    expect(restore.reached).toMatchObject({ exact: true })
    expect(await query(child.url, 'table items')).toEqual([{ item: 'a' }])
  },
)

test('without its source, an archive whose newest known segment is missing is not taken for complete', async () => {
  const { id, login } = await aProtectedAddon(undrop, tenantId, 'cut-off')
  const source = await serverBehind(undrop, tenantId, login.url)
  await query(login.url, 'create table items (item text)')
  const [lastGood, beforeLast] = [await aSegment(source, login.url), await clockOf(login.url)]
  const last = await aSegment(source, login.url)
  await until(async () => {
    const path = { addonId: id }
    const { lastCommit } = await ok(getRecoveryWindow({ client: undrop.client, path }))
    return lastCommit !== null && lastCommit > beforeLast
  }, 'Undrop to have seen the newest segment')
  await lose(source)
  await expectWalMissing(id, [{ latest: true }], lastGood, () => removeSegment(source, last))
})

/** Commits something and archives it. */
async function aSegment(source: ServerFiles, url: string): Promise<string> {
  await query(url, `insert into items values ('more')`)
  return archiveSegment(source)
}

/** The damage is done once the restores are accepted, and before any work on them begins. Returns what `damage` does. */
async function expectWalMissing<Done>(
  addonId: string,
  targets: readonly Parameters<typeof restoreTo>[2][],
  lastGood: string,
  damage: () => Promise<Done>,
): Promise<Done> {
  const { client } = undrop
  const worker = undrop.pidOf('worker.ts')
  process.kill(worker, 'SIGSTOP')
  const accepted = targets.map((target) => ok(createRestore({ client, path: { addonId }, body: { target } })))
  const done = await Promise.all(accepted)
    .then(damage)
    .finally(() => process.kill(worker, 'SIGCONT'))
  for (const { id } of await Promise.all(accepted)) {
    const { status, failure, reached, childAddonId } = await untilFinished(undrop, id)
    expect({ status, reached }).toEqual({ status: 'failed', reached: null })
    expect(failure).toMatchObject({ code: 'wal-missing', detail: expect.stringContaining(lastGood) })
    const child = await ok(getAddon({ client, path: { addonId: childAddonId } }))
    expect(child.status).toBe('deleted')
  }
  return done
}
