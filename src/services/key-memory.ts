import { setTimeout as delay } from 'node:timers/promises'
import type { Db, Tx } from '../db/client.ts'
import { transact } from '../db/transact.ts'
import { briefMemory } from '../lib/brief-memory.ts'

/** For so long a process lets requests in by what a key was before it asks for the key again. */
const MEMORY_MILLISECONDS = 100

/** What keys were found to be, by their hashes. */
export const keyMemory = <Found>() => briefMemory<Found>(MEMORY_MILLISECONDS)

/**
 * Changes keys in one transaction, and returns when no process lets anybody in by what they were before: each has
 * forgotten it by then. A memory begins before its question is put, so one of what was before the commit ends within its
 * length after the commit.
 */
export async function changeKeys<Result>(db: Db, work: (tx: Tx) => Promise<Result>): Promise<Result> {
  const result = await transact(db, work)
  const forgottenAt = performance.now() + MEMORY_MILLISECONDS
  // A timer may be early by the time that its turn of the event loop has taken.
  for (let left = MEMORY_MILLISECONDS; left > 0; left = forgottenAt - performance.now())
    await delay(Math.ceil(left))
  return result
}
