import type { Db, MetadataConnection } from '../db/client.ts'
import { placeEvents } from '../db/event-positions.ts'
import { listen } from '../db/listen.ts'
import { oneAtATime } from '../lib/one-at-a-time.ts'

/** Told at commit by a trigger (migrations/0010_events.sql). */
const WRITTEN_CHANNEL = 'undrop_events_written'
/** For what was told while nobody could listen. */
const POLL_SECONDS = 1
const BATCH = 1000

/**
 * Gives events their positions as soon as they are committed, so that they can be read. Any number of workers may do
 * so at once.
 */
export function startPlacingEvents(
  db: Db,
  metadata: MetadataConnection,
  onError: (error: unknown) => void,
): { close(): Promise<void> } {
  const placing = oneAtATime(async () => {
    while ((await placeEvents(db, BATCH)) === BATCH);
  }, onError)
  const listener = listen(metadata, WRITTEN_CHANNEL, placing.ask, onError)
  const timer = setInterval(placing.ask, POLL_SECONDS * 1000)
  return {
    async close() {
      clearInterval(timer)
      await listener.close()
      await placing.stop()
    },
  }
}
