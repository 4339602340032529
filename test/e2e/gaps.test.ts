import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createBackup,
  createRestore,
  getAddon,
  getBackup,
  getRecoveryWindow,
  listBackups,
  planRestore,
} from './client/sdk.gen.ts'
import { archiveSegment, type ServerFiles, serverBehind } from './support/server-files.ts'
import { removeSegment } from './support/stored-files.ts'
import { aProtectedAddon, aTenant, clockOf, ok, query, restoredChild, until } from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

let undrop: Undrop
let tenantId: string
beforeAll(async () => {
  undrop = await startUndrop({ UNDROP_SURVEY_SECONDS: '1' })
  tenantId = await aTenant(undrop)
})
afterAll(() => undrop.remove())

test('WAL that is missing shows, is refused, and costs only the moments that need it', async () => {
  const { id, login } = await aProtectedAddon(undrop, tenantId)
  const source = await serverBehind(undrop, tenantId, login.url)
  await query(login.url, `create table items as select 'before' as item`)
  const beforeGap = await clockOf(login.url)
  const lastGood = await aSegment(source, login.url, 'last good')
  const inGap = await clockOf(login.url)
  const missing = await aSegment(source, login.url, 'in the gap')
  const next = await aSegment(source, login.url, 'behind the gap')

  const whole = await plan(id, { time: inGap })
  expect(whole).toMatchObject({ data: { walSegments: expect.any(Number) } })
  await removeSegment(source, missing)

  // Before any survey: what decides is the archive, not what was known of it.
  for (const target of [{ time: inGap }, { latest: true }] as const) {
    const refusal = {
      type: expect.stringMatching(/\/target-in-gap$/),
      gap: { afterSegment: lastGood, beforeSegment: next, missingSegments: 1, to: null },
    }
    expect((await plan(id, target)).error, JSON.stringify(target)).toMatchObject(refusal)
    expect((await refusedRestore(id, target)).error, JSON.stringify(target)).toMatchObject(refusal)
  }

  await until(async () => (await windowOf(id)).gaps.length > 0, 'the gap to be found')
  const { gaps, surveyedAt, storedBytes } = await windowOf(id)
  expect(gaps).toMatchObject([{ afterSegment: lastGood, beforeSegment: next, missingSegments: 1 }])
  expect(surveyedAt).not.toBeNull()
  expect(storedBytes).toBeGreaterThan(0)

  const to = await closedGap(id)
  await until(async () => (await clockOf(login.url)) > to, 'the end of the gap to be over')
  await query(login.url, `insert into items values ('after')`)
  const afterGap = await clockOf(login.url)
  expect((await plan(id, { time: inGap })).error).toMatchObject({ gap: { afterSegment: lastGood, to } })

  expect(await itemsAt(id, beforeGap)).toEqual(['before'])
  expect(await itemsAt(id, afterGap)).toEqual([
    'after',
    'before',
    'behind the gap',
    'in the gap',
    'last good',
  ])
  await until(
    async () =>
      (await ok(getAddon({ client: undrop.client, path: { addonId: id } }))).protection === 'protected',
    'the add-on to be protected again',
  )
  const { data } = await plan(id, { time: afterGap })
  expect(data).toMatchObject({ basis: 'measured', warnings: [{ code: 'gap-elsewhere' }] })
})

type Target = { time: string } | { latest: true }

const plan = (addonId: string, target: Target) =>
  planRestore({ client: undrop.client, path: { addonId }, body: { target } })
const refusedRestore = (addonId: string, target: Target) =>
  createRestore({ client: undrop.client, path: { addonId }, body: { target } })
const windowOf = (addonId: string) => ok(getRecoveryWindow({ client: undrop.client, path: { addonId } }))

/** Commits a row, archives it, and returns the segment. */
async function aSegment(source: ServerFiles, url: string, item: string): Promise<string> {
  await query(url, `insert into items values ('${item}')`)
  return archiveSegment(source)
}

/** Has a full backup taken, unless one is on its way already; returns the moment from which on it closes the gap. */
async function closedGap(addonId: string): Promise<string> {
  const { client } = undrop
  await createBackup({ client, path: { addonId }, body: { type: 'full' } })
  await until(async () => {
    const { data } = await ok(listBackups({ client, path: { addonId } }))
    const newest = data.at(-1)
    if (newest === undefined) return false
    const { status } = await ok(getBackup({ client, path: { backupId: newest.id } }))
    return data.length > 1 && status === 'succeeded'
  }, 'a full backup behind the gap')
  const [gap] = (await windowOf(addonId)).gaps
  if (gap?.to == null) throw new Error(`the gap is still open: ${JSON.stringify(gap)}`)
  return gap.to
}

/** The rows that a child restored to that moment holds. */
async function itemsAt(addonId: string, time: string): Promise<string[]> {
  const { restore, login } = await restoredChild(undrop, addonId, { time })
  expect(restore.reached).toMatchObject({ exact: true })
  return (await query<{ item: string }>(login.url, 'table items order by item')).map(({ item }) => item)
}
