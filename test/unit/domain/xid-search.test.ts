import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  beginSearch,
  type RunningTransactions,
  searchOn,
  xidEvidence,
  xidFollows,
} from '../../../src/domain/xid-search.ts'

interface Segment {
  ends: { xid: string; lsn: string }[]
  running: RunningTransactions[]
}

/** Looks for a transaction as a restore does; in which segment it ends, and how many were read for that. */
function find(segments: readonly Segment[], xid: number) {
  let search = beginSearch(0, segments.length - 1)
  for (let read = 1; ; read++) {
    const { ends, running } = segments[search.at] ?? expect.fail(`there is no segment ${search.at}`)
    const evidence = xidEvidence(xid, ends, running)
    if (evidence.endLsn !== null) return { at: search.at, read }
    const next = searchOn(search, evidence)
    if (next === null) return { at: null, read }
    search = next
  }
}

/** A life of transactions, some of them long, with snapshots here and there; numbers may go round on the way. */
const history = fc
  .record({
    first: fc.constantFrom(3, 1000, 2 ** 32 - 20),
    steps: fc.array(
      fc.record({ do: fc.constantFrom('begin', 'end', 'end', 'snapshot', 'next'), which: fc.nat() }),
      {
        maxLength: 200,
      },
    ),
  })
  .map(({ first, steps }) => {
    let next = first
    const open: number[] = []
    const segments: Segment[] = [{ ends: [], running: [] }]
    for (const step of steps) {
      const segment = segments.at(-1) ?? expect.fail()
      if (step.do === 'begin') {
        open.push(next)
        next = next === 2 ** 32 - 1 ? 3 : next + 1
      } else if (step.do === 'end' && open.length > 0) {
        const [xid = 0] = open.splice(step.which % open.length, 1)
        segment.ends.push({ xid: String(xid), lsn: `0/${xid}` })
      } else if (step.do === 'snapshot')
        segment.running.push({ nextXid: next, oldestRunningXid: open[0] ?? next })
      else if (step.do === 'next') segments.push({ ends: [], running: [] })
    }
    return { segments, next, open }
  })

describe('a search for a transaction', () => {
  test('finds the end of each that ended, and of no other', () => {
    fc.assert(
      fc.property(history, ({ segments, next, open }) => {
        for (const [index, { ends }] of segments.entries())
          for (const { xid } of ends) expect(find(segments, Number(xid)).at).toBe(index)
        for (const xid of [next, ...open]) expect(find(segments, xid).at).toBeNull()
      }),
      { numRuns: 500 },
    )
  })

  test('reads few of many segments, also for a number that never was', () => {
    const segments = Array.from({ length: 4096 }, (_, index) => ({
      ends: [{ xid: String(1000 + index), lsn: `0/${index}` }],
      running: [{ nextXid: 1001 + index, oldestRunningXid: 1001 + index }],
    }))
    expect(find(segments, 1777)).toMatchObject({ at: 777 })
    for (const xid of [1777, 900, 1000, 5095, 9000]) expect(find(segments, xid).read).toBeLessThan(20)
  })
})

test('numbers follow one another around the end of their range', () => {
  expect([xidFollows(4, 3), xidFollows(3, 3), xidFollows(3, 2 ** 32 - 1)]).toEqual([true, false, true])
  expect(xidFollows(2 ** 32 - 1, 3)).toBe(false)
})
