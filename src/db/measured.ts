import { sql } from 'kysely'
import type { Measured, MeasuredName } from '../domain/restore-plan.ts'
import type { Executor } from './client.ts'

/** What this host has been measured to do; what has not been measured is left out. */
export async function readMeasured(ex: Executor): Promise<Measured> {
  const rows = await ex.selectFrom('measured_rate').select(['name', 'value']).execute()
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]))
}

/**
 * Moves an average towards what has just been measured: by as much as the number of samples so far says, and further the
 * longer the measurement took, as short ones are mostly the time that it takes to begin.
 * @param seconds how long was measured
 */
export async function noteAverage(
  ex: Executor,
  name: MeasuredName,
  value: number,
  seconds: number,
): Promise<void> {
  if (!Number.isFinite(value) || value <= 0) return
  const weight = Math.min(Math.max(seconds / 60, 0), 0.5)
  await sql`
    insert into measured_rate (name, value) values (${name}, ${value})
    on conflict (name) do update set samples = measured_rate.samples + 1, updated_at = now(),
      value = measured_rate.value + (excluded.value - measured_rate.value)
              * greatest(1.0 / (measured_rate.samples + 1), ${weight}::double precision)`.execute(ex)
}

export async function noteDiskFree(ex: Executor, bytes: number): Promise<void> {
  await sql`
    insert into measured_rate (name, value) values (${'disk_free_bytes' satisfies MeasuredName}, ${bytes})
    on conflict (name) do update set samples = measured_rate.samples + 1, updated_at = now(), value = excluded.value`.execute(
    ex,
  )
}
