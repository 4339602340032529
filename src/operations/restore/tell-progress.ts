import { sql } from 'kysely'
import type { Tx } from '../../db/client.ts'
import type { RestorePhase, RestoreProgress } from '../../domain/restore.ts'
import { recordEvent } from '../../notify/outbox.ts'

/** Steps look more often than anybody wants to hear. */
const EVERY_SECONDS = 1

interface Subject {
  tenantId: string
  restoreId: string
  addonId: string
}

/**
 * Tells how far a restore is, as its row says: only what has changed since it was last told, and at most once in
 * `EVERY_SECONDS`. That time runs out alone is no change.
 */
export async function tellProgress(tx: Tx, { tenantId, restoreId, addonId }: Subject): Promise<void> {
  const { rows } = await sql<{ phase: RestorePhase | null; progress: RestoreProgress }>`
    update restore set progress_told = progress, progress_told_at = clock_timestamp()
     where id = ${restoreId}
       and progress - 'etaSeconds' is distinct from progress_told - 'etaSeconds'
       and (progress_told_at is null
            or progress_told_at <= clock_timestamp() - make_interval(secs => ${EVERY_SECONDS}))
    returning phase, progress`.execute(tx)
  const [told] = rows
  if (told === undefined) return
  const payload = { restoreId, addonId, phase: told.phase, ...told.progress }
  await recordEvent(tx, { tenantId, type: 'restore.progress', payload })
}
