import type { Db } from '../db/client.ts'
import type { Lease } from './lease.ts'
import { listenForWakeUps, type QueueBackend } from './queue.ts'
import { exclusively, type ReconcilerReport, reconcile } from './reconciler.ts'
import { type AnyWorkflow, type InSpan, type TurnObserver, turn } from './runner.ts'
import type { WorkDeps } from './server-work.ts'
import { operationStore } from './store.ts'
import { storeWatch } from './store-watch.ts'
import { compareArchives } from './stored-archives.ts'
import { survey } from './survey.ts'
import { ringNext, type SweepDeps, sweep } from './sweeper.ts'
import type { Doorbell, WakeUp } from './wake-up.ts'
import { watchCertificates } from './watch-certificates.ts'

export interface WorkerOptions {
  db: Db
  backend: QueueBackend
  doorbell: Doorbell
  workflows: ReadonlyMap<string, AnyWorkflow<WorkDeps>>
  /** What steps work with while `lease` is held; without a lease, what the reconciler works with. */
  workDeps(lease: Lease | null): WorkDeps
  leaseSeconds: number
  concurrency: number
  sweepEverySeconds: number
  reconcileEverySeconds: number
  schedule: Pick<SweepDeps, 'platformPolicy' | 'backupsMax' | 'keyRing' | 'eventsKeptDays'>
  observe: TurnObserver
  inSpan?: InSpan | undefined
  reconciled: ReconcilerReport
  onError(error: unknown): void
}

const RECONCILER_LOCK = 8_736_702
const ARCHIVES_LOCK = 8_736_711
const SURVEY_LOCK = 8_736_712
const CERTIFICATES_LOCK = 8_736_741
const ARCHIVES_SECONDS = 3600
const CERTIFICATES_SECONDS = 600

/** One worker: takes turns on operations whenever the doorbell rings, sweeps, reconciles, and surveys archives. */
export function startWorker(options: WorkerOptions): { close(): Promise<void> } {
  const { db, doorbell, leaseSeconds, onError, reconciled } = options
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()

  const runner = {
    db,
    doorbell,
    leaseSeconds,
    store: operationStore(db, leaseSeconds),
    workflows: options.workflows,
    depsFor: options.workDeps,
    stopping: stopping.signal,
    observe: options.observe,
    inSpan: options.inSpan,
    finished: ({ tenantId }: { tenantId: string }) => ringNext(db, doorbell, tenantId),
    again(wakeUp: WakeUp) {
      if (!stopping.signal.aborted) track(turn(runner, wakeUp, true))
    },
  }
  const track = (work: Promise<void>) => {
    const tracked = work.catch(onError).finally(() => running.delete(tracked))
    running.add(tracked)
  }

  const listener = listenForWakeUps(
    options.backend,
    options.concurrency,
    (wakeUp) => turn(runner, wakeUp),
    onError,
  )
  const store = storeWatch()
  // Apart from each other: keeping servers running does not wait for listings.
  const alone = (lock: number, seconds: number, work: (deps: WorkDeps) => Promise<void>) =>
    every(seconds, () => exclusively(db, lock, () => work(options.workDeps(null))), track)
  const timers = [
    every(options.sweepEverySeconds, () => sweep({ db, doorbell, ...options.schedule }), track),
    alone(RECONCILER_LOCK, options.reconcileEverySeconds, (deps) => reconcile(deps, store, reconciled)),
    alone(SURVEY_LOCK, options.reconcileEverySeconds, (deps) => survey(deps, store, reconciled)),
    alone(ARCHIVES_LOCK, ARCHIVES_SECONDS, (deps) => compareArchives(deps, ARCHIVES_SECONDS, reconciled)),
    alone(CERTIFICATES_LOCK, CERTIFICATES_SECONDS, (deps) => watchCertificates(deps, CERTIFICATES_SECONDS)),
  ]

  return {
    async close() {
      stopping.abort()
      for (const timer of timers) timer.stop()
      await listener.close()
      await Promise.all(running)
    },
  }
}

/** Runs the work now and again that long after each end. */
function every(seconds: number, work: () => Promise<unknown>, track: (work: Promise<void>) => void) {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const run = () =>
    track(
      work()
        .then(() => undefined)
        .finally(() => {
          if (!stopped) timer = setTimeout(run, seconds * 1000)
        }),
    )
  run()
  return {
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
