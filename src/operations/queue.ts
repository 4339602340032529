import { randomUUID } from 'node:crypto'
import { createPostgresBackend, type PostgresConnectionOptions, Queue, Worker } from 'bullmq'
import type { MetadataConnection } from '../db/client.ts'
import type { Doorbell, WakeUp } from './wake-up.ts'

const QUEUE = 'turns'

/** Where BullMQ keeps its jobs: the metadata database (schema `bullmq`), or Redis. */
export type QueueBackend = { kind: 'postgres'; metadata: MetadataConnection } | { kind: 'redis'; url: string }

export interface QueueDoorbell extends Doorbell {
  /** Resolves when the backend answers. */
  ping(): Promise<void>
  /** Jobs by their state. */
  counts(): Promise<Record<string, number>>
  close(): Promise<void>
}

/**
 * The sending half. Jobs carry an operation's id and version and nothing else, under random ids: a job that repeats
 * another or comes late finds a version that has moved on, so there is nothing to deduplicate, and no kept job can
 * swallow a new one. (For ids of its own making BullMQ would create sequences, which our roles may not.)
 */
export function openDoorbell(backend: QueueBackend, onError: (error: Error) => void): QueueDoorbell {
  const queue = makeQueue(backend)
  queue.on('error', onError)
  return {
    async ring(wakeUp, delaySeconds = 0) {
      await queue.add('turn', wakeUp, {
        jobId: randomUUID(),
        delay: Math.round(delaySeconds * 1000),
        attempts: 1,
        removeOnComplete: true,
        removeOnFail: true,
      })
    },
    async ping() {
      await queue.getJobCounts('waiting')
    },
    counts: () => queue.getJobCounts('waiting', 'delayed', 'active'),
    close: () => queue.close(),
  }
}

export interface QueueListener {
  close(): Promise<void>
}

/** The receiving half: calls `onWakeUp` for every ring, at most `concurrency` at a time. */
export function listenForWakeUps(
  backend: QueueBackend,
  concurrency: number,
  onWakeUp: (wakeUp: WakeUp) => Promise<void>,
  onError: (error: Error) => void,
): QueueListener {
  const worker = makeWorker(backend, concurrency, ({ data }) => onWakeUp(data))
  worker.on('error', onError)
  worker.on('failed', (_job, error) => onError(error))
  return { close: () => worker.close() }
}

function makeQueue(backend: QueueBackend) {
  if (backend.kind === 'postgres')
    return new Queue(QUEUE, postgresOptions(backend.metadata), createPostgresBackend)
  // Requests must not wait for a Redis that is away: the sweeper rings again.
  return new Queue(QUEUE, {
    connection: { url: backend.url, enableOfflineQueue: false, maxRetriesPerRequest: 1 },
  })
}

function makeWorker(
  backend: QueueBackend,
  concurrency: number,
  process: (job: { data: WakeUp }) => Promise<void>,
) {
  if (backend.kind === 'postgres')
    return new Worker(
      QUEUE,
      process,
      { concurrency, ...postgresOptions(backend.metadata) },
      createPostgresBackend,
    )
  return new Worker(QUEUE, process, {
    concurrency,
    connection: { url: backend.url, maxRetriesPerRequest: null },
  })
}

function postgresOptions({ pool, role }: MetadataConnection): { connection: PostgresConnectionOptions } {
  // node-postgres types absent options as `| undefined`, BullMQ's copy of the type does not.
  const connection = {
    ...pool,
    max: 4,
    schema: 'bullmq',
    options: `-c role=${role}`,
  } as PostgresConnectionOptions
  return { connection }
}
