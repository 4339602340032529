import { type Fleet, readFleet as readNumbers } from '../db/fleet.ts'
import { LAGGING_SECONDS } from '../domain/server-stalls.ts'
import type { ServiceDeps } from './service-deps.ts'

const CACHED_SECONDS = 5

/** Numbers over all tenants, read at most every five seconds however often they are asked for. */
export function fleetReader(
  { db }: Pick<ServiceDeps, 'db'>,
  clock: () => number = () => performance.now(),
): () => Promise<Fleet> {
  let last: { at: number; fleet: Promise<Fleet> } | null = null
  return () => {
    if (last === null || clock() - last.at >= CACHED_SECONDS * 1000)
      last = { at: clock(), fleet: readNumbers(db, { lagLimitSeconds: LAGGING_SECONDS }) }
    return last.fleet
  }
}

export type { Fleet }
