import { Histogram, type Registry } from 'prom-client'

export interface CommittedStep {
  kind: string
  step: string
  /** How long the operation was at the step, its waits included; null while it stays there. */
  stepSeconds: number | null
  /** Once the operation has ended: how, and how long after it was asked for. */
  ended: { status: string; seconds: number } | null
  /** Of a restore that has ended: what each of its phases took. */
  phaseSeconds: Readonly<Record<string, number>>
}

const BUCKETS_SECONDS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600]

/** Notes how long operations, their steps and the phases of restores take. */
export function operationMetrics(registry: Registry): (committed: CommittedStep) => void {
  const histogram = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Histogram({ name, help, labelNames, buckets: BUCKETS_SECONDS, registers: [registry] })
  const steps = histogram('undrop_operation_seconds', 'In a step of an operation, waits included', [
    'kind',
    'step',
  ])
  const ends = histogram('undrop_operation_end_seconds', 'From asking for an operation to its end', [
    'kind',
    'status',
  ])
  const phases = histogram('undrop_restore_seconds', 'In a phase of a restore that succeeded', ['phase'])

  return ({ kind, step, stepSeconds, ended, phaseSeconds }) => {
    if (stepSeconds !== null) steps.observe({ kind, step }, stepSeconds)
    if (ended === null) return
    ends.observe({ kind, status: ended.status }, ended.seconds)
    if (ended.status !== 'succeeded') return
    for (const [phase, seconds] of Object.entries(phaseSeconds)) phases.observe({ phase }, seconds)
  }
}
