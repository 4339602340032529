import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import type pg from 'pg'
import { openHost } from '../../../src/bin/host.ts'
import { openMetadata } from '../../../src/bin/metadata.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { openDb, openPool } from '../../../src/db/client.ts'
import { findPostgresBinaries } from '../../../src/drivers/local/postgres-binaries.ts'
import { unless } from '../../../src/lib/unless.ts'
import { secretsOf } from './secrets.ts'

interface Inspected {
  directory: string
  env: NodeJS.ProcessEnv
  platformKey: string
  log(): string
}

/** What files of these names hold on purpose. Archives are encrypted. */
const ON_PURPOSE: Readonly<Record<string, RegExp>> = {
  'master-key': /^a master key$/,
  'platform-key': /^the platform key$/,
  'pgbackrest.conf': /^(cipher_pass_sealed|storage_key_sealed|S3_SECRET_ACCESS_KEY)/,
  'source.conf': /^(cipher_pass_sealed|storage_key_sealed|S3_SECRET_ACCESS_KEY)/,
}

/**
 * Where secrets of an Undrop are that should not be there: in its metadata, its queue, what it has printed, and every
 * file below its directory, those of its servers included.
 * @param given further secrets, such as API keys, which Undrop keeps as digests alone
 * @returns a line for each, which names the secret and does not show it
 */
export async function leaksOf(undrop: Inspected, given: ReadonlyMap<string, string>): Promise<string[]> {
  const config = loadConfig(undrop.env)
  // A test may have stopped everything; what is started here is removed with the rest.
  const { connection } = await openMetadata(config, await openHost(config))
  const secrets = new Map([...(await readSecrets(undrop, connection)), ...given])
  // What has been blanked is in every text.
  secrets.delete('')
  const texts = [
    ['the metadata', await dumpOf(connection)],
    ['the queue', await redisTexts(config.REDIS_URL)],
    ['what was printed', undrop.log()],
  ] as const
  const leaks = texts.flatMap(([place, content]) => namesIn(content, secrets).map((name) => [name, place]))
  for (const path of await filesWith([...secrets.keys()], undrop.directory)) {
    const content = await readFile(path).catch(unless('ENOENT'))
    const purpose = ON_PURPOSE[basename(path)]
    const names = content === undefined ? [] : namesIn(content, secrets)
    leaks.push(...names.filter((name) => purpose?.test(name) !== true).map((name) => [name, path]))
  }
  return leaks.map(([name, place]) => `${name} in ${place}`)
}

const namesIn = (content: string | Buffer, secrets: ReadonlyMap<string, string>): string[] =>
  [...secrets].flatMap(([secret, name]) => (content.includes(secret) ? [name] : []))

async function readSecrets({ env, platformKey }: Inspected, connection: pg.PoolConfig) {
  const db = openDb(openPool({ pool: connection, role: 'undrop_worker' }, 1))
  try {
    return await secretsOf(env, platformKey, db)
  } finally {
    await db.destroy()
  }
}

async function dumpOf(connection: pg.PoolConfig): Promise<string> {
  const [binaries = ''] = (await findPostgresBinaries()).values()
  const { connectionString, host, port, user, database } = connection
  const options = ['-h', String(host), '-p', String(port), '-U', String(user), String(database)]
  const { stdout } = await promisify(execFile)(
    join(binaries, 'pg_dump'),
    connectionString === undefined ? options : [connectionString],
    { maxBuffer: 256 * 1024 * 1024 },
  )
  return stdout
}

/** Every key and value, whatever its type. */
async function redisTexts(url: string | undefined): Promise<string> {
  if (url === undefined) return ''
  const redis = new Redis(url)
  try {
    const keys = await redis.keys('*')
    return JSON.stringify(await Promise.all(keys.map((key) => readRedis(redis, key))))
  } finally {
    redis.disconnect()
  }
}

async function readRedis(redis: Redis, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'string':
      return [key, await redis.get(key)]
    case 'hash':
      return [key, await redis.hgetall(key)]
    case 'list':
      return [key, await redis.lrange(key, 0, -1)]
    case 'set':
      return [key, await redis.smembers(key)]
    case 'zset':
      return [key, await redis.zrange(key, '0', '-1')]
    case 'stream':
      return [key, await redis.xrange(key, '-', '+')]
    default:
      return key
  }
}

/** Paths of files with any of the secrets. Files come and go while servers run, which is no fault. */
async function filesWith(secrets: readonly string[], directory: string): Promise<string[]> {
  const argv = ['-rlsF', '--devices=skip', '--exclude-dir=archives', '-f', '-', directory]
  const grep = spawn('grep', argv, { stdio: ['pipe', 'pipe', 'ignore'], env: { LC_ALL: 'C' } })
  grep.stdin.end(secrets.map((secret) => `${secret}\n`).join(''))
  const [found] = await Promise.all([text(grep.stdout), once(grep, 'exit')])
  return found.split('\n').filter((line) => line !== '')
}
