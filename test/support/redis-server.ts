import { once } from 'node:events'
import { createServer } from 'node:net'
import { Redis } from 'ioredis'
import { serverGround } from './server-ground.ts'

export interface RedisServer {
  url: string
  stop(): Promise<void>
}

/** Starts a throw-away Redis server on a free port, or on the one that is given. */
export async function startRedis(givenPort?: number): Promise<RedisServer> {
  await using stack = new AsyncDisposableStack()
  const ground = stack.use(await serverGround())
  const port = givenPort ?? (await freePort())
  const url = `redis://127.0.0.1:${port}`
  const settings = {
    bind: '127.0.0.1',
    port,
    save: '',
    appendonly: 'no',
    // BullMQ needs it.
    'maxmemory-policy': 'noeviction',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
  await ground.start('redis-server', flags, () => answers(url))
  const started = stack.move()
  return { url, stop: () => started.disposeAsync() }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('BUG: a TCP server has a port')
  return address.port
}

async function answers(url: string): Promise<boolean> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: null })
  // A refused connection is told by `connect` as well.
  redis.on('error', () => {})
  try {
    await redis.connect()
    return (await redis.ping()) === 'PONG'
  } catch {
    return false
  } finally {
    redis.disconnect()
  }
}
