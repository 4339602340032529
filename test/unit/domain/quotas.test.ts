import { expect, test } from 'vitest'
import { effectiveQuotas } from '../../../src/domain/quotas.ts'

test('what a tenant has none of comes from the platform; null of its own is without end', () => {
  const platform = { addons: 10, storageBytes: 1000, restoresPerHour: 5 }
  expect(effectiveQuotas(platform, { addons: 0, storageBytes: null })).toEqual({
    addons: 0,
    storageBytes: null,
    restoresPerHour: 5,
  })
})
