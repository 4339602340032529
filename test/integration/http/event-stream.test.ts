import { describe, expect, test } from 'vitest'
import type { Db } from '../../../src/db/client.ts'
import { eventIdOf } from '../../../src/domain/event-id.ts'
import { until } from '../../support/until.ts'
import { follow, namesIn, record, served } from './event-stream-ground.ts'
import { type Connection, connect, listening, type Received } from './sse-client.ts'
import { type Api, codeOf } from './test-api.ts'

/** Events of many transactions at once, some of which take longer, and some of which never happen. */
async function writeAtOnce(db: Db, tenantId: string, count: number): Promise<void> {
  let next = 0
  const writer = async () => {
    for (let number = next++; number < count; number = next++) {
      const tx = await db.startTransaction().execute()
      await record(tx as unknown as Db, tenantId, `event ${number}`)
      if (number % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
      if (number % 10 === 9) {
        await tx.rollback().execute()
        await record(db, tenantId, `event ${number}`)
      } else await tx.commit().execute()
    }
  }
  await Promise.all([1, 2, 3, 4].map(writer))
}

test('every event is told once and in order, whenever the connection is cut and a process of the API ends', async () => {
  await using ground = await served()
  const { api, db } = ground
  const { id: tenantId, secret, client } = await api.newTenant()
  const processes = [api.serve(), api.serve()]
  for (const { app } of processes) await listening(app)
  const seen: Received[] = []
  const COUNT = 400
  const isComplete = () => seen.filter(({ type }) => type === 'addon.created').length >= COUNT

  const first = await connect(api.app, secret, { query: '?type=addon.*' }, (event) => seen.push(event))
  await until(() => first.lastId() !== undefined)
  first.cut()
  let lastId = first.lastId()
  const reading = (async () => {
    for (let round = 0; !isComplete(); round++) {
      if (round === 4) {
        await processes[0]?.stop()
        processes[0] = api.serve()
        await listening(processes[0].app)
      }
      const process = processes[round % 2]
      const enough = seen.length + 1 + ((round * 7) % 23)
      let hasEnough = false
      let connection: Connection | undefined
      connection = await connect(
        process?.app,
        secret,
        { query: '?type=addon.*', lastEventId: lastId },
        (event) => {
          // What comes after the cut is not read.
          if (connection?.isClosed() === true || hasEnough) return
          seen.push(event)
          lastId = event.id
          hasEnough = seen.length >= enough
          if (hasEnough) connection?.cut()
        },
      )
      const here = connection
      await until(() => here.isClosed() || isComplete() || hasEnough)
      here.cut()
      await until(() => here.isClosed())
    }
  })()
  await writeAtOnce(db, tenantId, COUNT)
  await reading

  const ids = seen.map(({ id }) => id)
  expect(ids).toEqual([...new Set(ids)].sort())
  expect(new Set(namesIn(seen))).toEqual(
    new Set(Array.from({ length: COUNT }, (_, number) => `event ${number}`)),
  )
  expect(seen).toHaveLength(COUNT)
  const listed: string[] = []
  for (let cursor = ''; ; ) {
    const page = (await client('GET', `/v1/events?type=addon.*&limit=200${cursor}`)).json()
    listed.push(...page.data.map(({ id }: { id: string }) => id))
    if (page.nextCursor === null) break
    cursor = `&cursor=${page.nextCursor}`
  }
  expect(ids).toEqual(listed)
})

describe('GET /v1/events/stream', () => {
  test('begins with now, tells what comes as the list does, and is kept by no proxy', async () => {
    await using ground = await served()
    const { api, db } = ground
    const { id: tenantId, secret, client } = await api.newTenant()
    await until(async () => (await client('GET', '/v1/events')).json().data.length === 2)
    const { events, connection } = await follow(api, secret)
    expect(connection.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    await until(() => connection.lastId() !== undefined)
    await record(db, tenantId, 'news')
    await until(() => events.length > 0)
    expect(namesIn(events)).toEqual(['news'])
    const listed = (await client('GET', '/v1/events?type=addon.created')).json().data
    expect(events.map(({ data }) => data)).toEqual(listed)
    expect(events.map(({ id, type }) => [id, type])).toEqual([[listed[0].id, listed[0].type]])
    connection.cut()
  })

  test('tells a tenant nothing of another, and the platform everything or what it asks for', async () => {
    await using ground = await served()
    const { api, db } = ground
    const [one, other] = [await api.newTenant(), await api.newTenant()]
    const { events, connection } = await follow(api, one.secret)
    const theirs = await follow(api, one.secret, { query: `?resourceId=${other.id}` })
    await until(() => connection.lastId() !== undefined && theirs.connection.lastId() !== undefined)
    await api.platform('PATCH', `/v1/tenants/${other.id}`, { name: 'renamed' })
    await record(db, other.id, 'other')
    await record(db, one.id, 'one')
    await until(() => events.length > 0)
    expect(namesIn(events)).toEqual(['one'])
    expect(theirs.events).toEqual([])
    theirs.connection.cut()
    expect(codeOf(await one.client('GET', `/v1/events/stream?tenantId=${other.id}`))).toBe('tenant-not-found')
    connection.cut()
  })

  test('shows signs of life whose ids can be gone on from', async () => {
    await using ground = await served({ heartbeatSeconds: 0.05 })
    const { api, db } = ground
    const { id: tenantId, secret } = await api.newTenant()
    const { events, connection } = await follow(api, secret, { query: '?type=restore.*' })
    await until(() => connection.lastId() !== undefined)
    const before = connection.lastId()
    await record(db, tenantId, 'not asked for')
    await until(() => (connection.lastId() ?? '') > (before ?? ''))
    connection.cut()
    expect(events).toEqual([])
    const after = await follow(api, secret, { lastEventId: connection.lastId() ?? '' })
    await record(db, tenantId, 'next')
    await until(() => after.events.length > 0)
    expect(namesIn(after.events)).toEqual(['next'])
    after.connection.cut()
  })

  test('begins behind no event that has not been, whose reader would wait for nothing', async () => {
    await using ground = await served()
    const { api } = ground
    const { secret, client } = await api.newTenant()
    const { data } = (await client('GET', '/v1/events')).json()
    const beyond = eventIdOf(1_000_000)
    expect((await follow(api, secret, { lastEventId: beyond })).connection.status).toBe(410)
    expect(codeOf(await client('GET', `/v1/events?after=${beyond}`))).toBe('events-pruned')
    for (const { id } of data) expect((await client('GET', `/v1/events?after=${id}`)).statusCode).toBe(200)
  })

  test('does not stay open for a client that has gone before it began', async () => {
    const gone: Promise<void>[] = []
    await using ground = await served({ perKeyMax: 1, heartbeatSeconds: 3600, lifetimeSeconds: 3600 })
    const { api } = ground
    const { secret } = await api.newTenant()
    const { app } = api.serve()
    app.addHook('preHandler', async ({ raw }) => {
      if (gone.length > 0) return
      raw.socket.destroy()
      gone.push(new Promise((resolve) => raw.socket.once('close', () => resolve())))
      await gone[0]
    })
    await listening(app)
    await expect(follow({ app }, secret)).rejects.toThrow()
    let again: Connection | undefined
    await until(async () => {
      again = (await follow({ app }, secret)).connection
      return again.status === 200
    })
    again?.cut()
  })

  test('is refused with 429 beyond as many as a key may have, until one ends', async () => {
    await using ground = await served({ perKeyMax: 2 })
    const { api } = ground
    const { secret } = await api.newTenant()
    const other = await api.newTenant()
    const open = [(await follow(api, secret)).connection, (await follow(api, secret)).connection]
    const refused = await follow(api, secret)
    expect(refused.connection.status).toBe(429)
    expect(refused.connection.headers['retry-after']).toBe('1')
    const theirs = await follow(api, other.secret)
    expect(theirs.connection.status).toBe(200)
    open[0]?.cut()
    let again: Connection | undefined
    await until(async () => {
      again = (await follow(api, secret)).connection
      return again.status === 200
    })
    for (const connection of [...open, again, theirs.connection]) connection?.cut()
  })

  test('is refused with 429 beyond as many as the keys of a tenant may have together', async () => {
    await using ground = await served({ perTenantMax: 2 })
    const { api } = ground
    const { id, secret } = await api.newTenant()
    const key = (await api.platform('POST', `/v1/tenants/${id}/api-keys`, { name: 'another' })).json()
    const [one, two] = [await follow(api, secret), await follow(api, key.secret)]
    expect([one.connection.status, two.connection.status]).toEqual([200, 200])
    expect((await follow(api, key.secret)).connection.status).toBe(429)
    const theirs = await follow(api, (await api.newTenant()).secret)
    expect(theirs.connection.status).toBe(200)
    for (const { connection } of [one, two, theirs]) connection.cut()
  })

  test('ends in good order when the process stops, which is not held up by it', async () => {
    await using ground = await served()
    const { api } = ground
    const { secret } = await api.newTenant()
    const { app, stop } = api.serve()
    await listening(app)
    const { connection } = await follow({ app }, secret)
    await until(() => connection.lastId() !== undefined)
    await stop()
    await until(() => connection.isClosed())
    expect(connection.endedWell()).toBe(true)
  })

  test('reads no further ahead of a slow reader than a few pages, and gives up one that takes nothing', async () => {
    await using ground = await served({ heartbeatSeconds: 0.1, stalledSeconds: 1 })
    const { api, db } = ground
    const { id: tenantId, secret, client } = await api.newTenant()
    const { events, connection } = await follow(api, secret, { query: '?type=addon.*' })
    await until(() => connection.lastId() !== undefined)
    connection.pause()
    const bulk = `${'x'.repeat(50_000)}`
    for (let number = 0; number < 400; number++) await record(db, tenantId, `${number} ${bulk}`)
    await until(
      async () => (await client('GET', '/v1/events?type=addon.*&limit=200')).json().nextCursor !== null,
    )
    // 20 MB wait; sockets hold some, and the process next to nothing.
    await until(() => streamsOpenIn(api) === 0)
    connection.resume()
    await until(() => connection.isClosed())
    expect(events.length).toBeLessThan(400)
    const rest = await follow(api, secret, { query: '?type=addon.*', lastEventId: connection.lastId() ?? '' })
    await until(() => events.length + rest.events.length === 400)
    expect(namesIn([...events, ...rest.events]).map((name) => Number(String(name).split(' ')[0]))).toEqual(
      Array.from({ length: 400 }, (_, number) => number),
    )
    rest.connection.cut()
  })

  test('401, 403 and 400 as for every other operation', async () => {
    await using ground = await served()
    const { api } = ground
    const { id, client } = await api.newTenant()
    const body = { name: 'no reader', scopes: ['audit:read'] }
    const key = (await api.platform('POST', `/v1/tenants/${id}/api-keys`, body)).json()
    expect((await follow(api, 'udk_nobody')).connection.status).toBe(401)
    expect((await follow(api, key.secret)).connection.status).toBe(403)
    expect(codeOf(await client('GET', '/v1/events/stream?after=evt_1'))).toBe('validation-failed')
  })
})

/** Connections that the server holds; those of the tests themselves are inside of it. */
function streamsOpenIn({ app }: Api): number {
  return (app as unknown as { server: { _connections: number } }).server._connections
}
