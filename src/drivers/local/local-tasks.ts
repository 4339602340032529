import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { runAs, spawnAs } from '../../lib/os-user.ts'
import { assertPlainName } from '../../lib/plain-name.ts'
import {
  endProcesses,
  isAlive,
  listProcesses,
  parseProcessStat,
  readProcess,
} from '../../lib/process-table.ts'
import { readBeneath } from '../../lib/read-beneath.ts'
import type { TaskReport, TaskSpec } from '../driver.ts'
import type { Instance } from './postmaster.ts'

const TAIL_BYTES = 64 * 1024
const GRACE_SECONDS = 5

/**
 * Runs a task and leaves in its directory: `process` (its /proc/self/stat: number and start time), `stdout`, `stderr`
 * and, at the end, `exit`. The rename is the guard, as none onto a directory that holds something succeeds; a
 * directory of that name is complete from its first moment.
 */
const WRAPPER = `
directory="$1/$2" draft="$1/.$2.$$"
shift 2
read -r stat </proc/self/stat && mkdir -p "$draft" && echo "$stat" >"$draft/process" || exit
if ! mv -T "$draft" "$directory" 2>/dev/null; then
  rm -r "$draft"
  test -e "$directory/process" && echo exists
  exit
fi
echo started
exec >/dev/null 2>&1
"$@" </dev/null >"$directory/stdout" 2>"$directory/stderr"
echo $? >"$directory/exit.draft" && mv "$directory/exit.draft" "$directory/exit"
`

/** Gives the name up in one move, so that a half-removed directory never stands for a task. */
const REMOVAL = 'if [ -e "$1" ] || [ -L "$1" ]; then mv -T "$1" "$2" && rm -rf "$2"; fi'

/** Named tasks that outlive this process, as ServerDriver describes them. */
export function localTasks() {
  const ends = new Map<string, Promise<void>>()
  const keyOf = ({ paths }: Instance, name: string) => `${paths.tasksDirectory}/${assertPlainName(name)}`

  return {
    async start(instance: Instance, name: string, { argv, env }: TaskSpec): Promise<void> {
      const { paths, osUser } = instance
      const key = keyOf(instance, name)
      const wrapped = ['sh', '-c', WRAPPER, 'sh', paths.tasksDirectory, name, ...argv] as const
      const child = await spawnAs(osUser, wrapped, {
        cwd: paths.varDirectory,
        env: { PGDATA: paths.dataDirectory, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const ended = new Promise<void>((resolve) => {
        child.once('exit', () => {
          if (ends.get(key) === ended) ends.delete(key)
          resolve()
        })
      })
      const empty = Readable.from([])
      const [answer, fault] = await Promise.all([text(child.stdout ?? empty), text(child.stderr ?? empty)])
      if (answer === '') throw new Error(`Task ${name} cannot be started: ${fault}`)
      if (answer !== 'started\n') return
      child.unref()
      if (child.exitCode === null && child.signalCode === null) ends.set(key, ended)
    },

    async ended(instance: Instance, name: string): Promise<void> {
      await ends.get(keyOf(instance, name))
    },

    check: checkTask,

    async clear(instance: Instance, name: string): Promise<void> {
      const directory = keyOf(instance, name)
      await endSession(instance, name)
      const grave = `${instance.paths.tasksDirectory}/.${name}.${randomBytes(6).toString('hex')}`
      const removed = await runAs(instance.osUser, ['sh', '-c', REMOVAL, 'sh', directory, grave])
      if (removed.exitCode !== 0) throw new Error(`Task ${name} cannot be cleared: ${removed.stderr}`)
    },
  }
}

async function checkTask(instance: Instance, name: string): Promise<TaskReport> {
  const tail = async (file: string) => (await readTaskFile(instance, name, file)) ?? ''
  const process = await readTaskProcess(instance, name)
  if (process === null) return { state: 'not-started', exitCode: null, stdoutTail: '', stderrTail: '' }
  // In this order: a task that is dead by now has written its exit status before.
  const alive = await isAlive(process)
  const exit = await readTaskFile(instance, name, 'exit')
  const exitCode = exit === null ? null : Number(exit)
  const ended = exitCode === 0 ? 'succeeded' : 'failed'
  const state = exit === null && alive ? 'running' : ended
  return { state, exitCode, stdoutTail: await tail('stdout'), stderrTail: await tail('stderr') }
}

/** The task's processes are one session, which its wrapper leads and which may outlive the wrapper. */
async function endSession(instance: Instance, name: string): Promise<void> {
  const recorded = await readTaskProcess(instance, name)
  if (recorded === null) return
  const { pid, startTicks } = recorded
  await endProcesses(async () => {
    const leader = await readProcess(pid)
    // The number is given away again only when nothing is left of the session.
    if (leader !== null && leader.startTicks !== startTicks) return []
    const all = await listProcesses(instance.osUser.uid)
    return all.filter((one) => one.session === pid && one.startTicks >= startTicks)
  }, GRACE_SECONDS)
}

async function readTaskProcess(instance: Instance, name: string) {
  const line = await readTaskFile(instance, name, 'process')
  return line === null ? null : parseProcessStat(line)
}

/** The end of one of the task's files; null when there is none. */
async function readTaskFile({ paths, osUser }: Instance, name: string, file: string): Promise<string | null> {
  const path = `tasks/${assertPlainName(name)}/${file}`
  const from = (size: number) => Math.max(0, size - TAIL_BYTES)
  const found = await readBeneath(paths.varDirectory, path, { uid: osUser.uid, maxBytes: TAIL_BYTES, from })
  return found?.bytes.toString('utf8') ?? null
}
