/** The doorbell: tells some worker that an operation of that version can be looked at. It may be lost or ring twice. */
export interface WakeUp {
  operationId: string
  version: number
}

/** Rings after the commit that made the work; a ring that fails is repaired by the sweeper. */
export interface Doorbell {
  ring(wakeUp: WakeUp, delaySeconds?: number): Promise<void>
}
