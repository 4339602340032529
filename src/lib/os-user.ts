import { type ChildProcess, execFile, type StdioOptions, spawn } from 'node:child_process'
import { userInfo } from 'node:os'
import { promisify } from 'node:util'

/** An account of the operating system that programs run as. */
export interface OsUser {
  name: string
  uid: number
  gid: number
}

export type Argv = readonly [string, ...string[]]

export interface SpawnOptions {
  env?: Readonly<Record<string, string>>
  /** `/` unless said otherwise, as the user may not be able to enter ours. */
  cwd?: string
  stdio?: StdioOptions
}

export interface RunOptions extends Pick<SpawnOptions, 'env' | 'cwd'> {
  stdin?: string
  /** 60 unless said otherwise. */
  timeoutSeconds?: number
}

export interface RunResult {
  /** Null when the program was ended by a signal, by the time limit or by the limit of its output. */
  exitCode: number | null
  stdout: string
  stderr: string
}

const OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024
const GRACE_SECONDS = 5

const isRoot = () => process.getuid?.() === 0

/**
 * The account of that name; without root's rights, the account we run as already, whatever the name.
 * @throws when there is no such account, or when it is root's.
 */
export async function findOsUser(name: string): Promise<OsUser> {
  if (!isRoot()) {
    const { username, uid, gid } = userInfo()
    return { name: username, uid, gid }
  }
  const { stdout } = await promisify(execFile)('getent', ['passwd', '--', name]).catch((cause: unknown) => {
    throw new Error(`There is no OS user "${name}"`, { cause })
  })
  const [found = '', , uid, gid] = stdout.trim().split(':')
  if (Number(uid) === 0) throw new Error(`OS user "${name}" is root, which PostgreSQL does not run as`)
  return { name: found, uid: Number(uid), gid: Number(gid) }
}

/**
 * Starts a program as that user in a session of its own, with umask 077 and nothing of our environment.
 * A program that cannot be found shows as exit status 127. Rejects only when no process can be made.
 */
export async function spawnAs(osUser: OsUser, argv: Argv, options: SpawnOptions = {}): Promise<ChildProcess> {
  const child = spawn('/bin/sh', ['-c', 'umask 077; exec "$@"', 'sh', ...argv], {
    ...(isRoot() ? { uid: osUser.uid, gid: osUser.gid } : {}),
    cwd: options.cwd ?? '/',
    detached: true,
    stdio: options.stdio ?? 'ignore',
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LANG: 'C',
      TZ: 'UTC',
      HOME: '/nonexistent',
      ...options.env,
    },
  })
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
  return child
}

/** Runs a short program as that user to its end. At the time limit its whole process group is ended. */
export async function runAs(osUser: OsUser, argv: Argv, options: RunOptions = {}): Promise<RunResult> {
  const child = await spawnAs(osUser, argv, { ...options, stdio: 'pipe' })
  // A program that does not read its input is no fault of ours.
  child.stdin?.on('error', () => {}).end(options.stdin ?? '')
  const end = endOnce(child)
  const timer = setTimeout(end, (options.timeoutSeconds ?? 60) * 1000)
  const stdout = collect(child.stdout, end)
  const stderr = collect(child.stderr, end)
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve))
  clearTimeout(timer)
  const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8')
  return { exitCode: end.called() ? null : exitCode, stdout: text(stdout), stderr: text(stderr) }
}

function collect(stream: NodeJS.ReadableStream | null, onOverflow: () => void): Buffer[] {
  const chunks: Buffer[] = []
  let bytes = 0
  stream?.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > OUTPUT_LIMIT_BYTES) onOverflow()
    else chunks.push(chunk)
  })
  return chunks
}

/** Ends the child's process group; a process elsewhere that holds its output is not waited for. */
function endOnce(child: ChildProcess) {
  let called = false
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {
      // The group is gone already.
    }
  }
  const letGo = () => {
    child.stdout?.destroy()
    child.stderr?.destroy()
  }
  const end = () => {
    if (called) return
    called = true
    signalGroup('SIGTERM')
    if (child.exitCode !== null || child.signalCode !== null) return letGo()
    const timer = setTimeout(signalGroup, GRACE_SECONDS * 1000, 'SIGKILL')
    child.once('exit', () => {
      clearTimeout(timer)
      letGo()
    })
  }
  return Object.assign(end, { called: () => called })
}
