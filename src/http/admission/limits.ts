import type { Redis } from 'ioredis'
import type { GateLimits } from '../../lib/fair-gate.ts'

/** So many per second on the average, and so many at once. */
export interface Rate {
  perSecond: number
  burst: number
}

export interface AdmissionLimits {
  /** Requests with one API key. */
  key: Rate
  /** Requests without a valid key from one address. */
  address: Rate
  /** Requests at work at a time; the groups are tenants. */
  inFlight: GateLimits
  /** Where requests are counted, for all API processes together; in each by itself where it is not given. */
  redis?: Redis | undefined
}

/** How many wait of one tenant, and for how long, before they are refused. */
const [WAITING_OF_TENANT, WAIT_SECONDS] = [200, 5]

/** With so many connections to the metadata database no tenant has more than half of them. */
export function inFlightLimits(connections: number): GateLimits {
  return {
    inside: connections,
    insideOfGroup: Math.max(1, Math.floor(connections / 2)),
    waitingOfGroup: WAITING_OF_TENANT,
    waitSeconds: WAIT_SECONDS,
  }
}

/** Far more than anybody sends who has to be let in. */
const BEYOND_ALL: Rate = { perSecond: 100_000, burst: 1_000_000 }

export const NO_RATES: AdmissionLimits = {
  key: BEYOND_ALL,
  address: BEYOND_ALL,
  inFlight: inFlightLimits(10),
}
