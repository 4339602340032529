import pg from 'pg'
import type { MetadataConnection } from './client.ts'

const RECONNECT_SECONDS = 1

export interface Listener {
  close(): Promise<void>
}

/**
 * Listens on a channel of the metadata database, on a session of its own. What is told while there is none is lost, so
 * `onNotice` is called for every session that begins, too.
 */
export function listen(
  { pool, role }: MetadataConnection,
  channel: string,
  onNotice: () => void,
  onError: (error: unknown) => void,
): Listener {
  let session: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  const connect = async () => {
    const client = new pg.Client({ ...pool, keepAlive: true, options: `-c role=${role}` })
    session = client
    client.on('notification', onNotice)
    client.on('error', onError)
    client.once('end', () => {
      if (!isClosed) timer = setTimeout(begin, RECONNECT_SECONDS * 1000)
    })
    await client.connect()
    await client.query(`listen ${client.escapeIdentifier(channel)}`)
    onNotice()
  }
  let connecting: Promise<void>
  const begin = () => {
    connecting = connect().catch((error: unknown) => {
      onError(error)
      // Its end begins the next one.
      return session?.end()
    })
  }
  begin()
  return {
    async close() {
      isClosed = true
      clearTimeout(timer)
      await connecting
      await session?.end()
    },
  }
}
