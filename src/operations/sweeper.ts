import type { Db, Executor } from '../db/client.ts'
import { pruneEvents } from '../db/events.ts'
import { removeOldIdempotencyKeys } from '../db/idempotency-keys.ts'
import { transact } from '../db/transact.ts'
import {
  cancelWorkBeforeDeletion,
  findArchivesToPurge,
  findDeletableAddons,
  findOverdueOperations,
  findStartableOperations,
  findUnprotectedAddons,
  lockForPurge,
} from '../db/unscoped.ts'
import { pruneWebhooks } from '../db/webhook-dispatch.ts'
import type { CompleteBackupPolicy } from '../domain/backup-policy.ts'
import { Problem } from '../domain/problem.ts'
import { DELIVERIES_KEPT_DAYS } from '../domain/webhook.ts'
import type { KeyRing } from '../secrets/key-ring.ts'
import { openDueBackups } from './due-backups.ts'
import { openCredentialWork } from './due-credentials.ts'
import { openDueDrill } from './due-drills.ts'
import { type NewWork, openOperation } from './open.ts'
import type { Doorbell } from './wake-up.ts'

export interface SweepDeps {
  db: Db
  doorbell: Doorbell
  /** What tenants have that say nothing else. */
  platformPolicy: CompleteBackupPolicy
  /** How many base backups may run on this host at once. */
  backupsMax: number
  /** Seals the credentials of what scheduled drills restore. */
  keyRing: KeyRing
  /** For how long events can be read. */
  eventsKeptDays: number
}

const LATE_SECONDS = 2
const UNPROTECTED_SECONDS = 60
const BATCH = 500
const PRUNED_AT_ONCE = 5000

/**
 * Repairs lost wake-ups: rings again for what is overdue, for what may start, and opens the deletions that had to wait
 * for other work and the base backups that are due. Events that are kept no longer go, too. The metadata database alone says what there is to do, so an emptied queue loses nothing.
 * What cannot be opened keeps nothing else from being opened or rung for.
 * @returns how often it has rung
 * @throws what a stage has thrown, an AggregateError for several, once all have run
 */
export async function sweep({ db, doorbell, ...schedule }: SweepDeps): Promise<number> {
  const stages: (() => Promise<unknown>)[] = [
    () => openDueDrill({ db, ...schedule }),
    () => openDeletions(db),
    () => openProtections(db),
    () => openDueBackups({ db, ...schedule }),
    () => openPurges(db),
    () => pruneEvents(db, schedule.eventsKeptDays, PRUNED_AT_ONCE),
    () => openCredentialWork(db, BATCH),
    () => removeOldIdempotencyKeys(db),
    () => pruneWebhooks(db, DELIVERIES_KEPT_DAYS),
  ]
  const errors: unknown[] = []
  for (const stage of stages) await stage().catch((error: unknown) => errors.push(error))
  const rung = await ringDue(db, doorbell).catch((error: unknown) => {
    errors.push(error)
    return 0
  })
  if (errors.length > 1) throw new AggregateError(errors, 'several stages of the sweep have failed')
  if (errors.length === 1) throw errors[0]
  return rung
}

async function ringDue(db: Db, doorbell: Doorbell): Promise<number> {
  const overdue = await findOverdueOperations(db, LATE_SECONDS, BATCH)
  const startable = await findStartableOperations(db, null, BATCH)
  for (const wakeUp of [...overdue, ...startable]) await doorbell.ring(wakeUp)
  return overdue.length + startable.length
}

async function openDeletions(db: Db): Promise<void> {
  await cancelWorkBeforeDeletion(db)
  for (const { id, tenantId, serverId } of await findDeletableAddons(db, BATCH))
    await openUnlessBusy(db, { tenantId, kind: 'addon.delete', serverId, addonId: id, memo: {} })
}

/** An add-on whose protection or first backup has failed is tried again. */
async function openProtections(db: Db): Promise<void> {
  for (const { id, tenantId, serverId } of await findUnprotectedAddons(db, UNPROTECTED_SECONDS, BATCH))
    await openUnlessBusy(db, { tenantId, kind: 'server.protect', serverId, addonId: id, memo: {} })
}

/** Restores lock the add-on too, so that none begins to read an archive that goes. */
async function openPurges(db: Db): Promise<void> {
  for (const archive of await findArchivesToPurge(db, BATCH)) {
    const work = { ...archive, kind: 'archive.purge', memo: {} } as const
    await transact(db, async (tx) => {
      if (await lockForPurge(tx, archive)) await openUnlessBusy(tx, work)
    })
  }
}

async function openUnlessBusy(db: Executor, work: NewWork): Promise<void> {
  try {
    await openOperation(db, work)
  } catch (error) {
    // Another sweeper was faster.
    if (!(error instanceof Problem && error.code === 'operation-in-progress')) throw error
  }
}

/** Rings for what a tenant has waiting, now that one of its operations has ended. */
export async function ringNext(db: Db, doorbell: Doorbell, tenantId: string): Promise<void> {
  await openDeletions(db)
  for (const wakeUp of await findStartableOperations(db, tenantId, BATCH)) await doorbell.ring(wakeUp)
}
