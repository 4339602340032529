import { sql } from 'kysely'
import type { Executor } from './client.ts'

/** What a worker sees that belongs to no tenant. */
export type ObservationName =
  | 'store_reachable'
  | 'archives_unowned'
  /** Of the authority that signs, as of the observation. */
  | 'authority_expires_seconds'
  /** Of the certificate of a server that ends first. */
  | 'certificate_expires_seconds'

export async function noteObservation(db: Executor, name: ObservationName, value: number): Promise<void> {
  await sql`
    insert into observation (name, value) values (${name}, ${value})
        on conflict (name) do update set value = excluded.value, observed_at = now()`.execute(db)
}

/** There is nothing to see any more. */
export async function forgetObservation(db: Executor, name: ObservationName): Promise<void> {
  await db.deleteFrom('observation').where('name', '=', name).execute()
}

export async function wasObservedWithin(
  db: Executor,
  name: ObservationName,
  seconds: number,
): Promise<boolean> {
  const observation = db
    .selectFrom('observation')
    .select('name')
    .where('name', '=', name)
    .where('observed_at', '>', sql<string>`now() - make_interval(secs => ${seconds})`)
  return (await observation.executeTakeFirst()) !== undefined
}
