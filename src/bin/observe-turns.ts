import type { TurnEvent, TurnObserver } from '../operations/runner.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { CommittedStep } from '../telemetry/operation-metrics.ts'

/** Logs each commit of an operation, its end and what went wrong for whoever reads along, and measures it. */
export function observeTurns(logger: Logger, measure: (step: CommittedStep) => void): TurnObserver {
  return ({ thrown, memo, ...event }) => {
    measure({ ...event, phaseSeconds: phaseSecondsOf(event.kind, memo) })
    const level = thrown !== undefined ? 'warn' : event.ended !== null ? 'info' : 'debug'
    logger[level](
      thrown === undefined ? event : { ...event, err: thrown },
      event.ended === null ? 'turn' : 'operation ended',
    )
  }
}

/** The memo of a restore keeps what its phases have taken so far. */
function phaseSecondsOf(kind: TurnEvent['kind'], memo: unknown): Record<string, number> {
  if (kind !== 'restore.run') return {}
  return (memo as { phaseSeconds?: Record<string, number> }).phaseSeconds ?? {}
}
