import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type S3Server, s3Variables, startS3Server } from '../../src/bin/demo/s3-server.ts'
import * as api from './client/sdk.gen.ts'
import { archiveSegment, serverBehind } from './support/server-files.ts'
import {
  aProtectedAddon,
  aTenant,
  clockOf,
  ok,
  query,
  restoredChild,
  until,
  untilFinished,
} from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

// These have an object store of their own, which they can end.
let store: S3Server
let variables: Record<string, string>
beforeAll(async () => {
  store = await startS3Server()
  variables = await s3Variables(store, 'undrop')
})
afterAll(() => store.stop())

describe('a start is refused, and says why,', () => {
  test.each([
    ['without its bucket', { S3_BUCKET: 'absent' }, 'Archives cannot be kept: The bucket does not exist.'],
    [
      'with a key that nobody knows',
      { S3_ACCESS_KEY_ID: 'NOBODY' },
      'Archives cannot be kept: The object store does not know the access key.',
    ],
    [
      'with another secret',
      { S3_SECRET_ACCESS_KEY: 'another' },
      'Archives cannot be kept: The object store refuses the secret of the access key.',
    ],
    [
      'without the authority of its certificate',
      { S3_CA_FILE: undefined },
      'Archives cannot be kept: The certificate of the object store is not of a trusted authority.',
    ],
    [
      'with an authority that is no file',
      { S3_CA_FILE: '/absent.pem' },
      'S3_CA_FILE: /absent.pem cannot be read',
    ],
    [
      'with an authority that is no certificate',
      { S3_CA_FILE: '/etc/hostname' },
      'S3_CA_FILE: /etc/hostname holds no',
    ],
  ])('%s', async (_name, wrong, why) => {
    const start = startUndrop({ ...variables, ...wrong })
    await expect(start).rejects.toThrow(why)
    await expect(start).rejects.not.toThrow(variables['S3_SECRET_ACCESS_KEY'])
  })
})

describe('while the store does not answer', () => {
  let undrop: Undrop
  let tenantId: string
  beforeAll(async () => {
    undrop = await startUndrop({ ...(await s3Variables(store, `undrop-${randomUUID()}`)) })
    tenantId = await aTenant(undrop)
  })
  afterAll(() => undrop.remove())

  test('servers go on, and all of what they did can be restored when it answers again', async () => {
    const { id, login } = await aProtectedAddon(undrop, tenantId)
    const source = await serverBehind(undrop, tenantId, login.url)
    await query(login.url, `create table items as select 'before' as item`)
    await archiveSegment(source)
    await store.kill()
    await query(login.url, `insert into items values ('meanwhile')`)
    const meanwhile = await clockOf(login.url)
    await query(login.url, 'drop table items')
    await store.restart()
    const { restore, login: child } = await restoredChild(undrop, id, { time: meanwhile })
    expect(restore.reached).toMatchObject({ exact: true })
    expect(await query(child.url, 'table items order by item')).toEqual([
      { item: 'before' },
      { item: 'meanwhile' },
    ])
  })

  test('a restore that is asked for arrives when it answers again', async () => {
    const { id, login } = await aProtectedAddon(undrop, tenantId, 'patient')
    await query(login.url, `create table items as select 'one' as item`)
    const moment = await clockOf(login.url)
    await store.kill()
    const body = { target: { time: moment } }
    const { id: restoreId } = await ok(
      api.createRestore({ client: undrop.client, path: { addonId: id }, body }),
    )
    const read = () => ok(api.getRestore({ client: undrop.client, path: { restoreId } }))
    await until(async () => (await read()).status === 'running', 'the restore to be at work')
    await store.restart()
    expect(await untilFinished(undrop, restoreId)).toMatchObject({
      status: 'succeeded',
      reached: { exact: true },
    })
  })

  test('Undrop starts, says so, and protects what was made meanwhile when it answers again', async () => {
    await undrop.stop()
    await store.kill()
    await undrop.start()
    expect(undrop.log()).toContain('the archive store does not answer')
    const { client } = undrop
    const { id } = await ok(api.createAddon({ client, body: { tenantId, name: 'meanwhile' } }))
    const read = () => ok(api.getAddon({ client, path: { addonId: id } }))
    await until(async () => (await read()).status === 'available', 'the add-on to serve')
    expect((await read()).protection).not.toBe('protected')
    await store.restart()
    await until(async () => (await read()).protection === 'protected', 'the add-on to be protected')
  })
})
