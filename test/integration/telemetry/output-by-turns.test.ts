import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const LOGGER = join(import.meta.dirname, '../../../src/telemetry/logger.ts')
const LINES = 500

/** What a process writes that logs so many lines in one turn and then does that. */
function written(
  end: string,
): Promise<{ lines: { msg: string }[]; code: number | string | null | undefined }> {
  const script = `
    import { createLogger, outputByTurns } from ${JSON.stringify(LOGGER)}
    const log = createLogger({ level: 'info' }, outputByTurns())
    for (let number = 0; number < ${LINES}; number++) log.info('line ' + number)
    ${end}`
  return new Promise((resolve) => {
    execFile(process.execPath, ['--input-type=module', '-e', script], (error, stdout) => {
      const lines = stdout.trimEnd().split('\n')
      resolve({ lines: lines.map((line) => JSON.parse(line)), code: error?.code ?? 0 })
    })
  })
}

describe('a log that is written by turns is whole, and in order', () => {
  const expected = Array.from({ length: LINES }, (_, number) => `line ${number}`)

  test.each([
    [
      'the process is killed a turn later',
      `setImmediate(() => setImmediate(() => process.kill(process.pid, 'SIGKILL')))`,
      undefined,
    ],
    ['the process exits at once', 'process.exit(3)', 3],
    ['nobody catches an error', `throw new Error('broken')`, 1],
  ])('when %s', async (_, end, code) => {
    const result = await written(end)
    expect(result.lines.map(({ msg }) => msg)).toEqual(expected)
    if (code !== undefined) expect(result.code).toBe(code)
  })
})
