import { expect, test } from 'vitest'
import { reservePort } from '../../../src/db/servers.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { anAddon, aTenant } from '../operations/rows.ts'

const RANGE = { first: 20_001, last: 20_003 }

async function servers(count: number) {
  const { db } = await freshMetadata()
  const tenantId = await aTenant(db)
  const ids = []
  for (let n = 0; n < count; n++) ids.push((await anAddon(db, tenantId)).serverId)
  return { db, ids }
}

test('every server has a port of its own until the range is used up', async () => {
  const { db, ids } = await servers(4)
  const ports = []
  for (const serverId of ids) ports.push(await reservePort(db, { serverId, port: null }, RANGE))
  expect(ports.slice(0, 3).sort()).toEqual([20_001, 20_002, 20_003])
  expect(ports[3]).toBeNull()
})

test('a port that somebody else has taken is given back for another one', async () => {
  const { db, ids } = await servers(1)
  const [serverId = ''] = ids
  const port = await reservePort(db, { serverId, port: null }, RANGE)
  const tried = [port ?? 0]
  const next = await reservePort(db, { serverId, port }, RANGE, tried)
  expect(next).not.toBe(port)
  const last = await reservePort(db, { serverId, port: next }, RANGE, [...tried, next ?? 0])
  expect(await reservePort(db, { serverId, port: last }, RANGE, [20_001, 20_002, 20_003])).toBeNull()
})

test('a worker that comes late does not move a server which has got its port meanwhile', async () => {
  const { db, ids } = await servers(1)
  const [serverId = ''] = ids
  const port = await reservePort(db, { serverId, port: null }, RANGE)
  expect(await reservePort(db, { serverId, port: null }, RANGE)).toBe(port)
})
