import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { s3Variables } from '../../../src/bin/demo/s3-server.ts'
import { startTemporaryUndrop, type TemporaryUndrop } from '../../../src/bin/demo/temporary-undrop.ts'
import { openHost } from '../../../src/bin/host.ts'
import { loadConfig } from '../../../src/config/config.ts'
import type { ArchiveStore } from '../../../src/storage/archive-store.ts'
import type {} from '../../support/global-s3.ts'
import { type Client, createClient } from '../client/client/index.ts'
import { leaksOf } from './leaks.ts'

export interface Undrop extends TemporaryUndrop {
  /** The generated client, with the platform's key. */
  client: Client
  /** Where its archives are. */
  archives: ArchiveStore
  /** Pid of the process that runs this file of src/bin now. */
  pidOf(file: 'api.ts' | 'worker.ts'): number
  /** Has one more secret looked for at the end, of a key that another client has made. */
  noteSecret(apiKey: string): void
  /** As that of a temporary Undrop. @throws when a secret of it is found where none should be */
  remove(): Promise<void>
}

/**
 * A running Undrop of the test's own. Where the project of the tests has an object store, archives are kept there, in a
 * bucket of their own.
 */
export async function startUndrop(variables: NodeJS.ProcessEnv = {}): Promise<Undrop> {
  const s3 = inject('s3')
  const store = s3 === undefined ? {} : await s3Variables(s3, `undrop-${randomUUID()}`)
  const undrop = await startTemporaryUndrop({ LOG_LEVEL: 'debug', ...store, ...variables })
  const client = createClient({ baseUrl: undrop.url, auth: undrop.platformKey })
  const apiKeys = new Map<string, string>()
  client.interceptors.response.use(async (response) => {
    if (response.status === 201 && /\/(api|platform)-keys(\/\w+\/rotate)?$/.test(response.url))
      apiKeys.set(((await response.clone().json()) as { secret: string }).secret, 'an API key')
    if (response.status === 201 && /\/(webhook-endpoints|secrets)$/.test(response.url))
      apiKeys.set(((await response.clone().json()) as { secret: string }).secret, 'a webhook secret')
    return response
  })
  return {
    ...undrop,
    client,
    archives: (await openHost(loadConfig(undrop.env))).archives,
    noteSecret: (apiKey) => void apiKeys.set(apiKey, 'an API key'),
    async remove() {
      try {
        const leaks = await leaksOf(undrop, apiKeys)
        if (leaks.length > 0) throw new Error(`secrets are where none should be:\n${leaks.join('\n')}`)
      } finally {
        await undrop.remove()
      }
    },
    pidOf(file) {
      const lines = [...undrop.log().matchAll(/^.*"process started".*$/gm)]
      const started = lines.map(([line]) => JSON.parse(line) as { file: string; pid: number })
      const pid = started.findLast((process) => process.file === file)?.pid
      if (pid === undefined) throw new Error(`${file} was not started`)
      return pid
    },
  }
}
