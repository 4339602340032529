import { describe, expect, test } from 'vitest'
import { restoreTargetOf, targetSchema } from '../../../src/domain/target.ts'

function parse(input: unknown) {
  const { data, error } = targetSchema.safeParse(input)
  return data === undefined ? error?.issues.map((issue) => issue.path.join('/')) : restoreTargetOf(data)
}

describe('a restore target', () => {
  test('keeps microseconds and comes out in UTC', () => {
    expect(parse({ time: '2026-11-23T15:00:00.123456+01:00' })).toEqual({
      time: '2026-11-23T14:00:00.123456Z',
    })
  })

  test('may be the latest moment there is', () => {
    expect(parse({ latest: true })).toEqual({ latest: true })
  })

  test.each([
    [{ lsn: '0/3002168' }, { lsn: '0/3002168' }],
    [{ lsn: '00a/0300abcd' }, { lsn: 'A/300ABCD' }],
    [{ xid: '741' }, { xid: '741' }],
    [{ xid: '0000000741' }, { xid: '741' }],
    [{ name: 'before the upgrade' }, { name: 'before the upgrade' }],
  ])('may be a place in WAL, which comes out as PostgreSQL prints it: %j', (input, target) => {
    expect(parse(input)).toEqual(target)
  })

  test.each([
    [{ lsn: '3002168' }],
    [{ lsn: '0/' }],
    [{ xid: '2' }],
    [{ xid: '-1' }],
    [{ xid: '4294967296' }],
    [{ xid: '0x3' }],
  ])('is refused when the place is none: %j', (input) => {
    expect(parse(input)).toEqual(Object.keys(input))
  })

  test.each([
    ['has no offset', '2026-11-23T14:00:00'],
    ['is only a date', '2026-11-23'],
    ['names a day that does not exist', '2026-02-30T00:00:00Z'],
    ['is a word', 'now'],
    ['leaves the years that PostgreSQL knows', '0001-01-01T00:00:00+01:00'],
    ['leaves the years that have four digits', '9999-12-31T23:59:59-01:00'],
  ])('is refused at its time when that %s', (_name, time) => {
    expect(parse({ time })).toEqual(['time'])
  })

  test.each([
    ['nothing', {}],
    ['two ways', { time: '2026-11-23T14:00:00Z', latest: true }],
  ])('is refused as a whole when it says %s', (_name, input) => {
    expect(parse(input)).toEqual([''])
  })

  test('is refused when latest is not true', () => {
    expect(parse({ latest: false })).toEqual(['latest'])
  })
})
