import { describe, expect, test } from 'vitest'
import { newId } from '../../../src/domain/ids.ts'
import { SCOPES } from '../../../src/domain/scopes.ts'
import { scopeOf, tenantOf } from '../../../src/services/caller.ts'

const actor = { apiKeyId: null, requestId: 'request', sourceAddress: '127.0.0.1' }
const [own, other] = [newId('tenant'), newId('tenant')]
const tenant = { tenantId: own, scopes: SCOPES, actor }
const platform = { tenantId: null, scopes: SCOPES, actor }

describe('the scope of a caller', () => {
  test('of a tenant is the tenant, whether it says so or not', () => {
    expect(scopeOf(tenant)).toEqual({ tenantId: own })
    expect(scopeOf(tenant, own)).toEqual({ tenantId: own })
  })

  test('of a tenant never becomes another tenant', () => {
    expect(() => scopeOf(tenant, other)).toThrow('Tenant not found')
    expect(() => tenantOf(tenant, other)).toThrow('Tenant not found')
  })

  test('of the platform is every tenant, or the one it names', () => {
    expect(scopeOf(platform)).toBe('every-tenant')
    expect(scopeOf(platform, other)).toEqual({ tenantId: other })
  })

  test('of the platform is no place for something new', () => {
    expect(() => tenantOf(platform, undefined)).toThrow('The request is not valid')
  })

  test('is not asked of the database for what is no id', () => {
    expect(() => scopeOf(platform, 'tnt_\0')).toThrow('Tenant not found')
  })
})
