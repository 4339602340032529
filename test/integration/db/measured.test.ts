import { beforeEach, expect, test } from 'vitest'
import type { Db } from '../../../src/db/client.ts'
import { noteAverage, noteDiskFree, readMeasured } from '../../../src/db/measured.ts'
import { freshMetadata } from '../../support/metadata-database.ts'

let db: Db
beforeEach(async () => {
  ;({ db } = await freshMetadata())
})

test('what has not been measured is not there', async () => {
  expect(await readMeasured(db)).toEqual({})
})

test('short measurements are averaged', async () => {
  for (const value of [10, 20, 30]) await noteAverage(db, 'replay_segments_per_second', value, 0.1)
  expect(await readMeasured(db)).toEqual({ replay_segments_per_second: 20 })
})

test('a long measurement counts for more than many short ones', async () => {
  for (let n = 0; n < 20; n++) await noteAverage(db, 'fetch_bytes_per_second', 10, 0.1)
  await noteAverage(db, 'fetch_bytes_per_second', 100, 3600)
  expect(await readMeasured(db)).toEqual({ fetch_bytes_per_second: 55 })
})

test('nothing done in no time measures nothing', async () => {
  for (const value of [0, 5 / 0, 0 / 0, -1]) await noteAverage(db, 'fetch_bytes_per_second', value, 0)
  expect(await readMeasured(db)).toEqual({})
})

test('the space of the disk is what was last seen', async () => {
  await noteDiskFree(db, 5_000_000_000_000)
  await noteDiskFree(db, 0)
  expect(await readMeasured(db)).toEqual({ disk_free_bytes: 0 })
})
