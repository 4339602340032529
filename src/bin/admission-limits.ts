import { Redis } from 'ioredis'
import type { Config } from '../config/config.ts'
import { type AdmissionLimits, inFlightLimits } from '../http/admission/limits.ts'

/** A Redis that takes longer is taken to be away. */
const REDIS_MILLISECONDS_MAX = 250

/** The limits of the API that the configuration sets; requests are counted in Redis where there is one. */
export function openAdmissionLimits(config: Config): { limits: AdmissionLimits; close(): void } {
  const redis = config.REDIS_URL === undefined ? undefined : openRedis(config.REDIS_URL)
  const limits = {
    key: { perSecond: config.UNDROP_REQUESTS_PER_SECOND, burst: config.UNDROP_REQUESTS_BURST },
    address: { perSecond: config.UNDROP_REFUSALS_PER_SECOND, burst: config.UNDROP_REFUSALS_BURST },
    inFlight: inFlightLimits(config.UNDROP_API_CONNECTIONS),
    redis,
  }
  return { limits, close: () => redis?.disconnect() }
}

/** Commands fail while it is away, and are not kept for later. */
export function openRedis(url: string): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: REDIS_MILLISECONDS_MAX,
    connectTimeout: 1000,
  })
  // Told by the command that fails.
  redis.on('error', () => {})
  return redis
}
