import type { WakeUp } from '../operations/wake-up.ts'
import type { ServiceDeps } from './service-deps.ts'

/**
 * Rings after commit, without keeping the client waiting for the queue. A ring that fails is only logged: the sweeper
 * finds the operation.
 */
export function ringDoorbell(
  { doorbell, logger }: Pick<ServiceDeps, 'doorbell' | 'logger'>,
  wakeUp: WakeUp,
): void {
  const failed = (err: unknown) => logger.warn({ err, operationId: wakeUp.operationId }, 'wake-up not sent')
  void doorbell.ring(wakeUp).catch(failed)
}
