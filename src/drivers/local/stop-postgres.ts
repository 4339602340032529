import { endProcesses, isAlive, signalProcess } from '../../lib/process-table.ts'
import { waitUntil } from '../../lib/wait-until.ts'
import { findDataProcesses, findPostmaster, type Instance } from './postmaster.ts'

const FAST_SECONDS = 30
/** An immediate shutdown has the postmaster kill what does not quit within 5 s. */
const IMMEDIATE_SECONDS = 10

/** See `ServerDriver.stopPostgres`; signals as in PostgreSQL's manual, "Shutting Down the Server". */
export async function stopPostgres(instance: Instance, mode: 'fast' | 'immediate'): Promise<void> {
  const postmaster = (await findPostmaster(instance))?.process
  if (postmaster === undefined) return
  const ends = async (signal: NodeJS.Signals, timeoutSeconds: number) => {
    await signalProcess(postmaster, signal)
    return waitUntil(async () => !(await isAlive(postmaster)), { timeoutSeconds })
  }
  if (mode === 'fast' && (await ends('SIGINT', FAST_SECONDS))) return
  if (await ends('SIGQUIT', IMMEDIATE_SECONDS)) return
  // Backends go too, as they hold the shared memory.
  await endProcesses(() => findDataProcesses(instance), 0)
}

export async function reloadPostgres(instance: Instance): Promise<void> {
  const postmaster = await findPostmaster(instance)
  if (postmaster !== null) await signalProcess(postmaster.process, 'SIGHUP')
}
