import { Readable } from 'node:stream'
import type { StreamItem } from '../services/stream-events.ts'

const RETRY_MILLISECONDS = 2000

/** Server-sent events (HTML standard, 9.2). An item without an event moves the last event id on, and shows that we live. */
async function* inText(items: AsyncIterable<StreamItem>): AsyncGenerator<string> {
  yield `retry: ${RETRY_MILLISECONDS}\n\n`
  for await (const item of items) {
    if (item.type === undefined) yield `: alive\nid: ${item.id}\n\n`
    else yield `id: ${item.id}\nevent: ${item.type}\ndata: ${JSON.stringify(item)}\n\n`
  }
}

/** So much is held for a reader that does not keep up, and no more is read. */
const HELD_BYTES = 64 * 1024
/** What a reader that still reads needs to take the end of its stream. */
const LAST_WORDS_SECONDS = 1

/** The body of a stream of events, which ends with the signal even if its reader takes nothing any more. */
export function eventStreamBody(items: AsyncIterable<StreamItem>, signal: AbortSignal): Readable {
  const body = Readable.from(inText(items), { objectMode: false, highWaterMark: HELD_BYTES })
  const cut = () => setTimeout(() => body.destroy(), LAST_WORDS_SECONDS * 1000).unref()
  signal.addEventListener('abort', cut, { once: true })
  return body
}
