import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { unless } from './unless.ts'
import { waitUntil } from './wait-until.ts'

/** One process of this machine. Its number may be given to another one later; number and start time may not. */
export interface Process {
  pid: number
  uid: number
  session: number
  /** Clock ticks since the machine started. */
  startTicks: number
}

/** Reads a line of /proc/<pid>/stat (proc(5)); null when it is none, or of a process that is dead but not reaped. */
export function parseProcessStat(line: string): Omit<Process, 'uid'> | null {
  const pid = Number.parseInt(line, 10)
  // The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const [state, session, startTicks] = [fields[0], Number(fields[3]), Number(fields[19])]
  if (!(pid > 0) || !Number.isInteger(startTicks) || state === 'Z' || state === 'X') return null
  return { pid, session, startTicks }
}

/** The living process of that number; null when there is none. */
export async function readProcess(pid: number): Promise<Process | null> {
  try {
    const [line, { uid }] = await Promise.all([readFile(`/proc/${pid}/stat`, 'utf8'), stat(`/proc/${pid}`)])
    const process = parseProcessStat(line)
    return process && { ...process, uid }
  } catch {
    return null
  }
}

/** All living processes of a user, without this one. */
export async function listProcesses(uid: number): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const readOwn = async (pid: string) => {
    const owner = await stat(`/proc/${pid}`).catch(unless('ENOENT'))
    return owner?.uid === uid ? readProcess(Number(pid)) : null
  }
  const all = await Promise.all(pids.map(readOwn))
  return all.filter((found) => found !== null)
}

export async function isAlive({ pid, startTicks }: Pick<Process, 'pid' | 'startTicks'>): Promise<boolean> {
  return (await readProcess(pid))?.startTicks === startTicks
}

/** Path, device and inode of the directory a process works in; null when that cannot be seen. */
export async function workingDirectory(pid: number) {
  try {
    const link = `/proc/${pid}/cwd`
    const [path, { dev, ino }] = await Promise.all([readlink(link), stat(link)])
    return { path, dev, ino }
  } catch {
    return null
  }
}

/** Command line and initial environment, separated by NUL bytes; empty when they cannot be seen. */
export async function commandAndEnvironment(pid: number): Promise<string> {
  const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'latin1').catch(() => '')
  return `${await read('cmdline')}\0${await read('environ')}`
}

/** Signals the process if it is still the same one. */
export async function signalProcess(target: Process, signal: NodeJS.Signals): Promise<void> {
  if (!(await isAlive(target))) return
  try {
    process.kill(target.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/**
 * Ends all that `find` finds, and what those start meanwhile: SIGTERM first, SIGKILL when the grace is over.
 * @throws when some cannot be ended.
 */
export async function endProcesses(find: () => Promise<Process[]>, graceSeconds: number): Promise<void> {
  const graceEnd = performance.now() + graceSeconds * 1000
  const giveUp = graceEnd + 10_000
  for (let found = await find(); found.length > 0; found = await find()) {
    const now = performance.now()
    if (now > giveUp) throw new Error(`Processes ${found.map(({ pid }) => pid).join(', ')} cannot be ended`)
    const gentle = now < graceEnd
    await Promise.all(found.map((one) => signalProcess(one, gentle ? 'SIGTERM' : 'SIGKILL')))
    const timeoutSeconds = gentle ? (graceEnd - now) / 1000 : 1
    await waitUntil(async () => !(await Promise.all(found.map(isAlive))).includes(true), { timeoutSeconds })
  }
}
