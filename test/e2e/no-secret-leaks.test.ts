import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPostgresBinaries } from '../../src/drivers/local/postgres-binaries.ts'
import { freePort } from '../support/ports.ts'
import { type ServerGround, serverGround } from '../support/server-ground.ts'
import * as api from './client/sdk.gen.ts'
import { asAdmin, metadata, metadataSocketDirectory, serverIdOf } from './support/admin.ts'
import { processesOf } from './support/inventory.ts'
import { aProtectedAddon, aTenant, ok, until, untilProtected } from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

let ground: ServerGround
let redisUrl: string
beforeAll(async () => {
  ground = await serverGround()
  const port = await freePort()
  redisUrl = `redis://127.0.0.1:${port}`
  const options = [
    '--bind',
    '127.0.0.1',
    '--port',
    String(port),
    '--save',
    '',
    '--maxmemory-policy',
    'noeviction',
  ]
  await ground.start('redis-server', options, async () => {
    const redis = new Redis(redisUrl, { lazyConnect: true, retryStrategy: null }).on('error', () => {})
    const answered = await redis.connect().then(
      () => true,
      () => false,
    )
    redis.disconnect()
    return answered
  })
})
afterAll(() => ground[Symbol.asyncDispose]())

/** What the queue was seen to hold, as text. */
type QueueTexts = Set<string>

/** With BullMQ on Redis every command is recorded; in the metadata database its tables are read again and again. */
async function watchRedis(texts: QueueTexts): Promise<() => void> {
  const monitor = await new Redis(redisUrl).monitor()
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
    undrop = await startUndrop(onRedis ? { REDIS_URL: redisUrl } : {})
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

  test('no secret is logged', () => {
    expect(undrop.log()).toContain('process started')
    expectNoSecretIn([undrop.log()])
  })

  test('no secret is in the metadata but sealed', async () => {
    const text = await dump(undrop)
    expect(text).toMatch(/restore\.succeeded/)
    expect(text).toMatch(/credentials/)
    expect(text).toMatch(/v1\.[\w-]{8}\.[\w-]+\./)
    expectNoSecretIn([text])
  })

  test('no secret is in a file but the key files and, for passphrases, the configuration of pgBackRest', async () => {
    const files = await readdir(undrop.directory, { recursive: true, withFileTypes: true })
    const found = new Set<string>()
    for (const file of files.filter((one) => one.isFile())) {
      // Files of a running server come and go.
      const bytes = await readFile(join(file.parentPath, file.name)).catch(() => Buffer.alloc(0))
      for (const [name, secret] of Object.entries(secrets))
        if (bytes.includes(secret)) found.add(`${file.name}: ${name}`)
    }
    expect([...found].sort()).toEqual([
      'master-key: master key',
      'pgbackrest.conf: child passphrase',
      'pgbackrest.conf: parent passphrase',
      'platform-key: platform key',
    ])
  })
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

async function dump({ directory }: Undrop): Promise<string> {
  const [binaries] = (await findPostgresBinaries()).values()
  const options = ['-h', metadataSocketDirectory(directory), '-p', '5432', '-U', 'undrop_admin', 'undrop']
  const { stdout } = await promisify(execFile)(join(binaries ?? '', 'pg_dump'), options, {
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout
}
