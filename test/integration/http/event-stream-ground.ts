import type { Db } from '../../../src/db/client.ts'
import { openDb, openPool } from '../../../src/db/client.ts'
import { newId } from '../../../src/domain/ids.ts'
import type { ServerDeps } from '../../../src/http/server.ts'
import { recordEvent } from '../../../src/notify/outbox.ts'
import { startPlacingEvents } from '../../../src/operations/event-placer.ts'
import type { StreamLimits } from '../../../src/services/event-streams.ts'
import { connect, listening, type Received } from './sse-client.ts'
import { type Api, startApi } from './test-api.ts'

/** The API that listens, with a worker that places events. */
export async function served(limits: Partial<StreamLimits> = {}, overrides: Partial<ServerDeps> = {}) {
  const api = await startApi(overrides, { streamLimits: limits })
  await listening(api.app)
  const { pool: settings } = api.connection
  const metadata = { pool: settings, role: 'undrop_worker' } as const
  const pool = openPool(metadata, 8)
  const db = openDb(pool)
  const placers = [1, 2].map(() => startPlacingEvents(db, metadata, () => {}))
  const stopWorker = async () => {
    await Promise.all(placers.map((placer) => placer.close()))
    await pool.end()
  }
  return { api, db, [Symbol.asyncDispose]: stopWorker }
}

export const record = (db: Db, tenantId: string, name: string) =>
  recordEvent(db, { tenantId, type: 'addon.created', payload: { addonId: newId('addon'), name } })

export const namesIn = (events: readonly Received[]) => events.map(({ data }) => data.data['name'])

export async function follow(
  { app }: Pick<Api, 'app'>,
  secret: string,
  options: { query?: string; lastEventId?: string } = {},
) {
  const events: Received[] = []
  const connection = await connect(app, secret, options, (event) => events.push(event))
  return { events, connection }
}
