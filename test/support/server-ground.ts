import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { chown, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const START_LIMIT_SECONDS = 60
const STOP_LIMIT_SECONDS = 20

/** A directory in which a server of the tests runs, and everything that runs there. */
export interface ServerGround {
  directory: string
  /** Runs a program to its end. @throws when it fails, with what it printed */
  run(program: string, args: string[]): Promise<void>
  /** Starts a server and resolves once it is ready. @throws with its log when it ends before that */
  start(program: string, args: string[], isReady: () => Promise<boolean>): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Programs run as the OS user postgres when the tests run as root, which PostgreSQL refuses (initdb(1)). */
export async function serverGround(): Promise<ServerGround> {
  // Short, because of the limit of 107 bytes for the path of a Unix socket.
  const directory = await mkdtemp(join(tmpdir(), 'undrop-'))
  const user = process.getuid?.() === 0 ? await idsOf('postgres') : undefined
  if (user !== undefined) await chown(directory, user.uid, user.gid)
  const options = { cwd: directory, ...user }
  const children: ChildProcess[] = []
  const abandon = () => {
    for (const child of children) child.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
  process.once('exit', abandon)

  return {
    directory,

    async run(program, args) {
      await execute(program, args, options)
    },

    async start(program, args, isReady) {
      const logFile = join(directory, `log-${children.length}`)
      const log = await open(logFile, 'a')
      const child = spawn(program, args, { ...options, stdio: ['ignore', log.fd, log.fd] })
      children.push(child)
      await Promise.all([once(child, 'spawn'), log.close()])
      const deadline = Date.now() + START_LIMIT_SECONDS * 1000
      while (!(await isReady())) {
        if (hasEnded(child) || Date.now() > deadline) {
          throw new Error(`${program} did not start:\n${await readFile(logFile, 'utf8')}`)
        }
        await delay(20)
      }
    },

    async [Symbol.asyncDispose]() {
      await Promise.all(children.map(stop))
      await rm(directory, { recursive: true, force: true })
      process.off('exit', abandon)
    },
  }
}

async function idsOf(user: string): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all(['-u', '-g'].map(async (which) => execute('id', [which, user])))
  return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined
}

/** SIGINT ends PostgreSQL without waiting for its clients ("fast", section 19.5), and Redis. */
async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const ended = once(child, 'exit')
  child.kill('SIGINT')
  const limit = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_SECONDS * 1000)
  await ended
  clearTimeout(limit)
}
