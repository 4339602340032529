import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import * as api from './client/sdk.gen.ts'
import { asAdmin, metadata, serverIdOf } from './support/admin.ts'
import { processesOf } from './support/inventory.ts'
import { leaksOf } from './support/leaks.ts'
import { aProtectedAddon, aTenant, ok, until, untilProtected } from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

// What is left at the end of every test is looked through when its Undrop is removed: see support/leaks.ts.

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

/** What the queue was seen to hold, as text. */
type QueueTexts = Set<string>

/** With BullMQ on Redis every command is recorded; in the metadata database its tables are read again and again. */
async function watchRedis(texts: QueueTexts): Promise<() => void> {
  const monitor = await new Redis(redis.url).monitor()
  monitor.on('monitor', (_time: string, args: string[]) => texts.add(args.join(' ')))
  return () => monitor.disconnect()
}

describe.each(['the metadata database', 'Redis'])('with its queue in %s', (queue) => {
  let undrop: Undrop
  let secrets: Record<string, string>
  let commandLines: Set<string>
  let queueTexts: QueueTexts

  beforeAll(async () => {
    queueTexts = new Set()
    commandLines = new Set()
    const onRedis = queue === 'Redis'
    undrop = await startUndrop(onRedis ? { REDIS_URL: redis.url } : {})
    const stopWatching = onRedis ? await watchRedis(queueTexts) : () => {}
    const sample = async () => {
      for (const { commandLine } of await processesOf(undrop)) commandLines.add(commandLine)
      if (!onRedis) for (const text of await jobs(undrop)) queueTexts.add(text)
    }
    secrets = await tellStory(undrop, sample)
    stopWatching()
  })
  afterAll(() => undrop.remove())

  const expectNoSecretIn = (texts: Iterable<string | Buffer>) => {
    for (const text of texts)
      for (const [name, secret] of Object.entries(secrets))
        if (text.includes(secret)) expect.fail(`${name} in ${String(text).slice(0, 500)}`)
  }

  test('no secret shows in a command line', () => {
    expect([...commandLines].join('\n')).toMatch(/pgbackrest .* restore/)
    expectNoSecretIn(commandLines)
  })

  test('no secret is in a job', () => {
    expect([...queueTexts].join('\n')).toContain('op_')
    expectNoSecretIn(queueTexts)
  })

  test("a password that somebody gave a role of the add-on's is nowhere but in PostgreSQL", async () => {
    const app = new Map([['app-secret-of-the-parent', "app's password"]])
    expect(await leaksOf(undrop, app)).toEqual([])
  })
})

test('a secret that is left anywhere fails the test whose Undrop it is', async () => {
  const undrop = await startUndrop({ REDIS_URL: redis.url })
  const { client, platformKey } = undrop
  const tenantId = await aTenant(undrop)
  const { secret } = await ok(api.createApiKey({ client, path: { tenantId }, body: { name: 'app' } }))
  const masterKey = (await readFile(join(undrop.directory, 'master-key'), 'utf8')).trim()

  await writeFile(join(undrop.directory, 'servers-notes'), `the master key is ${masterKey}`)
  await writeFile(join(undrop.directory, 'pgbackrest.conf'), `repo1-cipher-pass=${platformKey}`)
  await metadata(undrop, `update undrop.tenant set name = '${platformKey}'`)
  const queue = new Redis(redis.url)
  await queue.hset('left-over', 'secret', secret)
  queue.disconnect()
  expect(await leaksOf({ ...undrop, log: () => `GET /?key=${platformKey}` }, new Map())).toContain(
    'the platform key in what was printed',
  )
  const message = await undrop.remove().then(
    () => '',
    (error: Error) => error.message,
  )
  for (const leak of [
    `a master key in ${join(undrop.directory, 'servers-notes')}`,
    `the platform key in ${join(undrop.directory, 'pgbackrest.conf')}`,
    'the platform key in the metadata',
    'an API key in the queue',
  ])
    expect(message).toContain(leak)
  for (const shown of [masterKey, platformKey, secret]) expect(message).not.toContain(shown)
})

/** A restore with everything that has to do with secrets; returns them by what they are. */
async function tellStory(undrop: Undrop, sample: () => Promise<void>): Promise<Record<string, string>> {
  const { client } = undrop
  const tenantId = await aTenant(undrop)
  const parent = await aProtectedAddon(undrop, tenantId)
  const apiKey = await ok(api.createApiKey({ client, path: { tenantId }, body: { name: 'app' } }))
  await asAdmin(undrop, parent.login, `create role app login password 'app-secret-of-the-parent'`)

  const target = { latest: true } as const
  const restore = await ok(api.createRestore({ client, path: { addonId: parent.id }, body: { target } }))
  await until(async () => {
    await sample()
    const { status, failure } = await ok(api.getRestore({ client, path: { restoreId: restore.id } }))
    if (status === 'failed') throw new Error(JSON.stringify(failure))
    return status === 'succeeded'
  }, 'the restore to succeed')
  const child = await ok(api.revealCredentials({ client, path: { addonId: restore.childAddonId } }))
  await untilProtected(undrop, restore.childAddonId)

  const key = async (name: string) => (await readFile(join(undrop.directory, name), 'utf8')).trim()
  return {
    "parent's password": parent.login.password,
    "child's password": child.password,
    "app's password": 'app-secret-of-the-parent',
    'parent passphrase': await passphrase(undrop, parent.login),
    'child passphrase': await passphrase(undrop, child),
    'API key': apiKey.secret,
    'platform key': await key('platform-key'),
    'master key': await key('master-key'),
  }
}

async function passphrase(undrop: Undrop, login: { port: number }): Promise<string> {
  const file = join(undrop.directory, 'servers', await serverIdOf(undrop, login), 'conf/pgbackrest.conf')
  const found = /^repo1-cipher-pass=(.+)$/m.exec(await readFile(file, 'utf8'))?.[1]
  if (found === undefined) throw new Error('no passphrase')
  return found
}

async function jobs(undrop: Undrop): Promise<string[]> {
  const tables = await metadata<{ name: string }>(
    undrop,
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
      where table_schema = 'bullmq' and table_type = 'BASE TABLE'`,
  )
  const selects = tables.map(({ name }) => `select row_to_json(t)::text as text from ${name} as t`)
  return (await metadata<{ text: string }>(undrop, selects.join(' union all '))).map(({ text }) => text)
}
