import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Config } from '../config/config.ts'
import type { Logger } from '../telemetry/logger.ts'

/** A number that nobody else in the metadata database takes a lock on. */
const START_LOCK = 8_736_703
const RETRY_SECONDS = 1

export interface MetadataHold {
  release(): Promise<void>
}

/**
 * Two of us on one data directory would stop each other's metadata cluster, so the first holds a lock in it, for as
 * long as it lives. That session is also how the end of the cluster is noticed: it is started again.
 * @param reopen starts the cluster
 * @throws Error when somebody else holds the lock
 */
export async function holdMetadata(
  config: Config,
  connection: pg.PoolConfig,
  logger: Logger,
  reopen: () => Promise<void>,
): Promise<MetadataHold> {
  if (config.DATABASE_URL !== undefined) return { release: async () => {} }
  let released = false
  let session = await lock(config, connection)

  const again = async () => {
    logger.error('the metadata cluster is gone, starting it again')
    while (!released) {
      try {
        await reopen()
        session = await lock(config, connection)
        session.once('end', onEnd)
        return
      } catch (err) {
        logger.error({ err }, 'the metadata cluster does not come back')
        await delay(RETRY_SECONDS * 1000)
      }
    }
  }
  const onEnd = () => {
    if (!released) void again()
  }
  session.once('end', onEnd)
  return {
    async release() {
      released = true
      await session.end()
    },
  }
}

async function lock({ UNDROP_DATA_DIR: directory }: Config, connection: pg.PoolConfig): Promise<pg.Client> {
  const session = new pg.Client(connection)
  // The end of the session is what counts.
  session.on('error', () => {})
  await session.connect()
  const { rows } = await session.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [
    START_LOCK,
  ])
  if (rows[0]?.locked === true) return session
  await session.end()
  throw new Error(`Undrop runs on ${directory} already`)
}
