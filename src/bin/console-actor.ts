import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Actor } from '../db/audit.ts'

/** Whoever has typed a command on a host: for the audit log, where requests have an address. */
export function consoleActor(): Actor {
  return { apiKeyId: null, requestId: randomUUID(), sourceAddress: `console of ${hostname()}` }
}
