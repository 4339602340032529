import { describe, expect, test } from 'vitest'
import { type DrillCheck, failureOfChecks, rpoSeconds } from '../../../src/domain/drill.ts'

const check = (name: DrillCheck['name'], passed: boolean): DrillCheck => ({
  name,
  passed,
  seconds: 1,
  detail: 'What was found.',
})
const [T0, T1] = ['2026-11-23T14:00:00.000000Z', '2026-11-23T14:00:01.500000Z']

describe('a drill', () => {
  test('has succeeded when every check has passed', () => {
    expect(failureOfChecks([check('archive', true), check('rows', true)], 0)).toBeNull()
  })

  test('fails with the checks that did not pass, and says when a backup is damaged', () => {
    const failure = failureOfChecks([check('archive', true), check('probe', false)], 0)
    expect(failure).toMatchObject({ code: 'drill-failed', detail: 'probe: What was found.' })
    expect(failureOfChecks([check('archive', false)], 1)).toMatchObject({ code: 'backup-damaged' })
  })
})

describe('what would have been lost', () => {
  test('is what the source had committed beyond what was reached', () => {
    expect(rpoSeconds(T1, T0, null)).toBe(1.5)
  })

  test('is nothing when more was reached than the source had said', () => {
    expect(rpoSeconds(T0, T1, null)).toBe(0)
  })

  test('counts from the end of the base backup when nothing was committed after it', () => {
    expect(rpoSeconds(T1, null, T0)).toBe(1.5)
    expect(rpoSeconds(T1, null, null)).toBeNull()
  })

  test('is not known when the source did not say', () => {
    expect(rpoSeconds(null, T0, T0)).toBeNull()
  })
})
