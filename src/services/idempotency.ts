import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { recordAudit } from '../db/audit.ts'
import {
  claimIdempotencyKey,
  findIdempotencyKey,
  type IdempotentRequest,
  type KnownRequest,
  keepAnswer,
  releaseIdempotencyKey,
  takeOverIdempotencyKey,
} from '../db/idempotency-keys.ts'
import { Problem } from '../domain/problem.ts'
import { sealContext } from '../secrets/key-ring.ts'
import type { Caller } from './caller.ts'
import type { ServiceDeps } from './service-deps.ts'

/** What a client was told. */
export interface Answer {
  status: number
  headers: Record<string, string>
  body: string
}

/** Longer than any request takes. After that whoever is at it is taken for dead. */
const LEASE_SECONDS = 60
const WAIT_SECONDS_MAX = 10
const POLL_SECONDS_MIN = 0.02
const POLL_SECONDS_MAX = 0.5

type Deps = Pick<ServiceDeps, 'db' | 'keyRing'>

/**
 * Finds out what has become of a request with an Idempotency-Key: the id under which it is now to be carried out, or the
 * answer that it was given. Waits for whoever is at it, without a connection to the database meanwhile.
 * @param beforeWaiting gives up what others of the tenant could use; may be called again
 * @throws Problem `idempotency-key-reused`, `idempotency-key-in-use`, `idempotent-answer-lost`
 */
export async function beginOnce(
  deps: Deps,
  caller: Caller,
  request: Omit<IdempotentRequest, 'tenantId'>,
  beforeWaiting: () => void,
): Promise<{ id: string } | { answer: Answer }> {
  const owned = { ...request, tenantId: caller.tenantId }
  const deadline = performance.now() + WAIT_SECONDS_MAX * 1000
  for (let poll = POLL_SECONDS_MIN; ; poll = Math.min(poll * 1.5, POLL_SECONDS_MAX)) {
    const id = randomUUID()
    const known = await findIdempotencyKey(deps.db, owned)
    if (known === undefined) {
      if (await claimIdempotencyKey(deps.db, id, owned, LEASE_SECONDS)) return { id }
      continue
    }
    if (!known.fingerprint.equals(request.fingerprint)) throw new Problem('idempotency-key-reused')
    if (known.state === 'answered') return { answer: await answerOf(deps, caller, known) }
    if (known.leaseSeconds === 0) {
      if (known.state === 'applied') throw answerLost(known)
      if (await takeOverIdempotencyKey(deps.db, known.id, id, LEASE_SECONDS)) return { id }
      continue
    }
    if (performance.now() >= deadline) throw inUse(known)
    beforeWaiting()
    // Spread, so that those who wait for the same do not ask all at once.
    await delay(poll * 1000 * (0.5 + Math.random() / 2))
  }
}

/** Keeps the answer for whoever sends the request again, or forgets a request that may be tried anew. */
export async function endOnce({ db, keyRing }: Deps, id: string, answer: Answer): Promise<void> {
  if (!isKept(answer)) return releaseIdempotencyKey(db, id)
  const sealed = keyRing.seal(JSON.stringify(answer), sealContext.idempotentAnswer(id))
  await keepAnswer(db, id, { status: answer.status, location: answer.headers['location'] ?? null, sealed })
}

/** Not what may be otherwise the next time: faults of ours, limits, and what the key is allowed. */
function isKept({ status }: Answer): boolean {
  return status < 500 && ![401, 403, 429].includes(status)
}

/**
 * Who is given an answer again is recorded, too. One that holds a secret is for the key alone that has asked for it: another
 * may not have been given it, and could outlive itself by it.
 * @throws Problem `idempotent-answer-lost`
 */
async function answerOf(
  { db, keyRing }: Deps,
  { actor }: Caller,
  { id, applied, answerSealed }: KnownRequest,
): Promise<Answer> {
  const answer = JSON.parse(keyRing.open(answerSealed ?? '', sealContext.idempotentAnswer(id))) as Answer
  if (applied !== null) {
    const { action, apiKeyId, ...resource } = applied
    if (apiKeyId !== actor.apiKeyId && holdsSecret(answer)) throw answerLost({ applied })
    await recordAudit(db, { actor, ...resource, action: 'idempotency-key.replay', detail: { action } })
  }
  return answer
}

function holdsSecret({ body }: Answer): boolean {
  const said: unknown = body === '' ? null : JSON.parse(body)
  return said !== null && typeof said === 'object' && ('secret' in said || 'password' in said)
}

function answerLost({ applied }: Pick<KnownRequest, 'applied'>): Problem {
  const { action, resourceId } = applied ?? {}
  const detail = 'Read the resource to see what came of it, and send no request with this key again.'
  return new Problem('idempotent-answer-lost', { detail, extensions: { action, resourceId } })
}

function inUse({ leaseSeconds }: KnownRequest): Problem {
  return new Problem('idempotency-key-in-use', { retryAfterSeconds: Math.max(1, Math.ceil(leaseSeconds)) })
}
