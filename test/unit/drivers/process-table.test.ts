import { expect, test } from 'vitest'
import { parseProcessStat } from '../../../src/lib/process-table.ts'

const line = (name: string, state: string) =>
  `4711 (${name}) ${state} 1 4700 4699 0 -1 4194560 126 0 0 0 0 0 0 0 20 0 1 0 987654 2895872 225 18446744073709551615`

test.for(['sh', 'a b', ') R 1 (', ''])(
  'number, session and start time are read whatever the name: %j',
  (name) => {
    expect(parseProcessStat(line(name, 'S'))).toEqual({ pid: 4711, session: 4699, startTicks: 987654 })
  },
)

test('a process that is dead but not fetched by its parent does not count', () => {
  expect(parseProcessStat(line('sh', 'Z'))).toBeNull()
})

test.for(['', 'no stat', '4711 (sh) S 1', '-1 (sh)'])('%j is no process', (text) => {
  expect(parseProcessStat(text)).toBeNull()
})
