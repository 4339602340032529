import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Bench, until } from './bench.ts'

/**
 * Looks at the files of a child's fetch while they are there: when it began and ended, in milliseconds since the epoch.
 * @param over settles when the restore has ended, after which there is nothing to be seen
 */
export async function watchFetch(
  { host }: Bench,
  source: { serverId: string; label: string },
  over: Promise<unknown>,
) {
  let isOver = false
  over.finally(() => (isOver = true)).catch(() => {})
  return until('the end of the fetch', async () => {
    if (isOver) throw new Error('the fetch has not been seen')
    const serverId = (await host.driver.listInstances()).find((id) => id !== source.serverId)
    if (serverId === undefined) return false
    const task = join(dirname(host.driver.paths(serverId).dataDirectory), 'tasks', 'fetch')
    const ended = await stat(join(task, 'exit')).catch(() => undefined)
    if (ended === undefined) return false
    const output = await readFile(join(task, 'stdout'), 'utf8')
    if (!output.includes(source.label)) throw new Error(`not restored from ${source.label}`)
    const started = await stat(join(task, 'process'))
    return { serverId, startedAt: started.mtimeMs, endedAt: ended.mtimeMs }
  })
}
