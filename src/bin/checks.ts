import type { Db } from '../db/client.ts'
import { appliedMigrations, assertSameMigrations } from '../db/migration-state.ts'
import { knownMigrations } from '../db/migrations.ts'
import { type Checks, withinLimit } from '../telemetry/readiness.ts'

export interface Checked {
  db: Db
  queue: { ping(): Promise<void> }
  isStopping: () => boolean
}

/** What has to hold for a process to be given work. */
export async function readinessChecks({ db, queue, isStopping }: Checked): Promise<Checks> {
  const known = await knownMigrations()
  const applied = () => withinLimit(() => appliedMigrations(db))
  return {
    metadata: async () => void (await applied()),
    // Of a database that does not answer nothing is known, and `metadata` says so.
    migrations: () =>
      applied().then(
        (names) => assertSameMigrations(names, known),
        () => {},
      ),
    queue: () => queue.ping(),
    running: async () => {
      if (isStopping()) throw new Error('the process has been told to stop')
    },
  }
}
