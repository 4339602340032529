import { expect, test } from 'vitest'
import { pathBefore, segmentOfPath, walBelow } from '../../../src/domain/archive-layout.ts'

const SHA1 = '0123456789abcdef0123456789abcdef01234567'
const DIRECTORY = 'archive/srv_1/15-1/0000000100000000'
const SEGMENT = '00000001000000000000000A'

test('a file of a whole segment names it, compressed or not', () => {
  for (const ending of ['', '.lz4', '.gz', '.zst'])
    expect(segmentOfPath(`${DIRECTORY}/${SEGMENT}-${SHA1}${ending}`)).toBe(SEGMENT)
})

test.each([
  `${DIRECTORY}/${SEGMENT}.partial-${SHA1}.lz4`,
  `${DIRECTORY}/${SEGMENT}.00000028.backup`,
  `${DIRECTORY}/${SEGMENT}-${SHA1}.lz4.pgbackrest.tmp`,
  `archive/srv_1/15-1/00000002.history`,
  'archive/srv_1/archive.info',
  'backup/srv_1/20261123-130000F/bundle/1',
])('%s is no segment', (path) => {
  expect(segmentOfPath(path)).toBeNull()
})

test('a listing after the path before a segment begins with that segment', () => {
  const before = pathBefore('srv_1', 15, SEGMENT)
  expect(before.startsWith(walBelow('srv_1'))).toBe(true)
  expect(`${DIRECTORY}/${SEGMENT}-${SHA1}.lz4` > before).toBe(true)
  expect(`${DIRECTORY}/000000010000000000000009-${SHA1}.lz4` < before).toBe(true)
})
