import fc from 'fast-check'
import { expect, test } from 'vitest'
import { eventIdOf, positionOfEvent } from '../../../src/domain/event-id.ts'
import { eventTypes, isEventFilter } from '../../../src/domain/events.ts'

const position = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })

test('ids of events sort as their positions do, and lead back to them', () => {
  fc.assert(
    fc.property(position, position, (one, other) => {
      expect(Math.sign(one - other)).toBe(eventIdOf(one) < eventIdOf(other) ? -1 : one === other ? 0 : 1)
      expect(positionOfEvent(eventIdOf(one))).toBe(one)
    }),
  )
})

test('what is no id of an event has no position', () => {
  for (const text of ['', 'evt_', 'evt_1', 'evt_zzzzzzzzzzz', 'evt_00000000001 ', 'EVT_00000000001', '1'])
    expect(positionOfEvent(text), text).toBeNull()
})

test('filters are types and kinds of resources that there are', () => {
  for (const type of eventTypes)
    expect([isEventFilter(type), isEventFilter(`${type.split('.')[0]}.*`)]).toEqual([true, true])
  for (const text of ['', '*', '.*', 'addon', 'addon.', 'restore*', 'server.*', 'addon.exploded'])
    expect(isEventFilter(text), text).toBe(false)
})
