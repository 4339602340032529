import type { Db } from '../db/client.ts'
import { noteObservation } from '../db/observations.ts'
import type { ArchiveStore } from '../storage/archive-store.ts'

const ASK_SECONDS = 15

/** Whether archives can be reached, asked once for all servers. */
export interface StoreWatch {
  /** What the store refuses with; null while it can be used. One that works is asked every fifteen seconds at most, one that does not each time. */
  refusal(deps: { db: Db; archives: ArchiveStore }): Promise<unknown>
}

/** @param clock milliseconds that only rise */
export function storeWatch(clock: () => number = () => performance.now()): StoreWatch {
  let last: { at: number; refusal: unknown } | null = null
  let asking: Promise<unknown> | null = null

  async function ask({ db, archives }: { db: Db; archives: ArchiveStore }): Promise<unknown> {
    const refusal = await archives.check().then(
      () => null,
      (error: unknown) => error ?? new Error('refused'),
    )
    last = { at: clock(), refusal }
    await noteObservation(db, 'store_reachable', refusal === null ? 1 : 0)
    return refusal
  }

  return {
    async refusal(deps) {
      const isFresh = last !== null && last.refusal === null && clock() - last.at < ASK_SECONDS * 1000
      if (isFresh) return null
      // Whoever wants to know meanwhile waits for the same answer.
      asking ??= ask(deps).finally(() => {
        asking = null
      })
      return asking
    },
  }
}
