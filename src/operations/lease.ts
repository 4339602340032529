import { type Claim, LeaseLostError, type OperationStore } from './store.ts'

/** Keeps a claim for as long as the turn lasts. */
export interface Lease extends Disposable {
  readonly signal: AbortSignal
  /** Throws when the lease may have run out, a process that was paused included: then nothing more may be started. */
  assertHeld(): void
}

/**
 * Renews a claim at a third of its length. The end of the lease is reckoned on this process's own steady clock, from
 * before the request that granted it, so that a pause of the process or of the network can only make it look shorter.
 * @param claimedAt `performance.now()` before the claim was asked for
 */
export function holdLease(
  store: OperationStore,
  claim: () => Claim,
  leaseSeconds: number,
  claimedAt: number,
): Lease {
  const lost = new AbortController()
  const leaseMillis = leaseSeconds * 1000
  let heldUntil = claimedAt + leaseMillis

  const renew = async () => {
    const askedAt = performance.now()
    if (await store.renew(claim())) heldUntil = askedAt + leaseMillis
    else lost.abort(new LeaseLostError(`operation ${claim().id} is no longer ours`))
  }
  // A renewal that fails (the metadata database is away) is tried again; `assertHeld` stops the work meanwhile.
  const timer = setInterval(() => void renew().catch(() => undefined), leaseMillis / 3)

  return {
    signal: lost.signal,
    assertHeld() {
      lost.signal.throwIfAborted()
      if (performance.now() > heldUntil)
        throw new LeaseLostError(`the lease on operation ${claim().id} has run out`)
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
