import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { metadata } from './admin.ts'
import { until } from './stories.ts'
import type { Undrop } from './undrop.ts'

const SERVER_ID = /srv_[0-9a-z]{26}/g

/** Ids of servers, by what there is of them on this machine and in the metadata. */
export interface Inventory {
  directories: string[]
  sockets: string[]
  archives: string[]
  processes: string[]
  ports: string[]
}

export async function inventory(undrop: Undrop): Promise<Inventory> {
  const below = async (place: string) =>
    serverIds(await readdir(join(undrop.directory, place), { recursive: false }))
  const archives = await undrop.archives.list()
  const ports = await metadata<{ id: string }>(undrop, 'select id from undrop.server where port is not null')
  return {
    directories: await below('servers'),
    sockets: await below('run'),
    archives: serverIds(archives.map(({ serverId }) => serverId)),
    processes: serverIds((await processesOf(undrop)).map(({ text }) => text)),
    ports: serverIds(ports.map(({ id }) => id)),
  }
}

interface ProcessText {
  pid: number
  commandLine: string
  /** Command line, environment and working directory. */
  text: string
}

/** Everything that runs on this machine and mentions the data directory, the control plane included. */
export async function processesOf({ directory }: Undrop): Promise<ProcessText[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const all = await Promise.all(pids.filter((pid) => pid !== process.pid).map(describeProcess))
  return all.filter(({ text }) => text.includes(directory))
}

/** Number of the main process of a server, as its lock file has it (PostgreSQL manual, 73.1). */
export async function postmasterOf(undrop: Undrop, serverId: string): Promise<number> {
  const lockFile = join(undrop.directory, 'servers', serverId, 'var/data/postmaster.pid')
  return Number((await readFile(lockFile, 'utf8')).split('\n')[0])
}

/** Stops the first process of that server that shows up with such a command line; it stays stopped until it is killed. */
export async function freeze(undrop: Undrop, serverId: string, commandLine: RegExp): Promise<void> {
  await until(async () => {
    const found = (await processesOf(undrop)).find(
      (one) => one.text.includes(serverId) && commandLine.test(one.commandLine),
    )
    if (found !== undefined) process.kill(found.pid, 'SIGSTOP')
    return found !== undefined
  }, `${commandLine} to run for ${serverId}`)
}

async function describeProcess(pid: number): Promise<ProcessText> {
  const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'latin1').catch(() => '')
  const [cmdline, environment, cwd] = await Promise.all([
    read('cmdline'),
    read('environ'),
    readlink(`/proc/${pid}/cwd`).catch(() => ''),
  ])
  const commandLine = cmdline.replaceAll('\0', ' ')
  return { pid, commandLine, text: `${commandLine} ${environment} ${cwd}` }
}

const serverIds = (texts: readonly string[]): string[] =>
  [...new Set(texts.flatMap((text) => text.match(SERVER_ID) ?? []))].sort()
