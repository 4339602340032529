import { startTemporaryUndrop, type TemporaryUndrop } from '../../../src/bin/demo/temporary-undrop.ts'
import { type Client, createClient } from '../client/client/index.ts'

export interface Undrop extends TemporaryUndrop {
  /** The generated client, with the platform's key. */
  client: Client
  /** Pid of the process that runs this file of src/bin now. */
  pidOf(file: 'api.ts' | 'worker.ts'): number
}

/** A running Undrop of the test's own. */
export async function startUndrop(variables: NodeJS.ProcessEnv = {}): Promise<Undrop> {
  const undrop = await startTemporaryUndrop({ LOG_LEVEL: 'debug', ...variables })
  return {
    ...undrop,
    client: createClient({ baseUrl: undrop.url, auth: undrop.platformKey }),
    pidOf(file) {
      const lines = [...undrop.log().matchAll(/^.*"process started".*$/gm)]
      const started = lines.map(([line]) => JSON.parse(line) as { file: string; pid: number })
      const pid = started.findLast((process) => process.file === file)?.pid
      if (pid === undefined) throw new Error(`${file} was not started`)
      return pid
    },
  }
}
