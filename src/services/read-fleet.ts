import { type Fleet, readFleet } from '../db/fleet.ts'
import { LAGGING_SECONDS } from '../domain/server-stalls.ts'
import type { SharedDeps } from './service-deps.ts'

const CACHED_SECONDS = 5

/** Numbers over all tenants, read at most every five seconds however often they are asked for. */
export function readFleetOf({ dbOf }: Pick<SharedDeps, 'dbOf'>): () => Promise<Fleet> {
  return fleetReader(() => readFleet(dbOf('every-tenant'), { lagLimitSeconds: LAGGING_SECONDS }))
}

/** @param clock milliseconds that only rise */
export function fleetReader(
  read: () => Promise<Fleet>,
  clock: () => number = () => performance.now(),
): () => Promise<Fleet> {
  let last: { at: number; fleet: Promise<Fleet> } | null = null
  return () => {
    if (last !== null && clock() - last.at < CACHED_SECONDS * 1000) return last.fleet
    const current = { at: clock(), fleet: read() }
    last = current
    // A failure is answered once, and not kept.
    current.fleet.catch(() => {
      if (last === current) last = null
    })
    return current.fleet
  }
}

export type { Fleet }
