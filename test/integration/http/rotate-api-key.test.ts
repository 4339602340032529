import { describe, expect, test } from 'vitest'
import { addSeconds } from '../../../src/domain/moment.ts'
import { administeredTenant } from './administered-tenant.ts'
import { codeOf, NOW } from './test-api.ts'

describe('a rotation', () => {
  test('makes a key with the same name and scopes; the old one works for the overlap, and not a moment longer', async () => {
    const { clock, tenant, keys, make, works, clientWith } = await administeredTenant()
    const { key, client } = await make({ scopes: ['addons:read'] })
    const response = await tenant.client('POST', `${keys}/${key.id}/rotate`, { overlapSeconds: 60 })
    expect(response.statusCode).toBe(201)
    const { id, secret, ...successor } = response.json()
    expect(successor).toMatchObject({
      name: 'deploy',
      scopes: ['addons:read'],
      expiresAt: null,
      replacedBy: null,
    })
    const end = addSeconds(NOW, 60)
    expect((await tenant.client('GET', `${keys}/${key.id}`)).json()).toMatchObject({
      replacedBy: id,
      expiresAt: end,
    })
    clock.now = addSeconds(NOW, 59.999999)
    expect(await works(client)).toBe(true)
    clock.now = end
    expect(await works(client)).toBe(false)
    expect(await works(clientWith(secret))).toBe(true)
  })

  test('without an overlap ends the old key at once', async () => {
    const { tenant, keys, make, works } = await administeredTenant()
    const { key, client } = await make({})
    await tenant.client('POST', `${keys}/${key.id}/rotate`, { overlapSeconds: 0 })
    expect(await works(client)).toBe(false)
  })

  test('never lets the old key live longer than it would have, nor the new one unless that is asked for', async () => {
    const { tenant, keys, make } = await administeredTenant()
    const expiresAt = addSeconds(NOW, 60)
    const { key } = await make({ expiresAt })
    const successor = (await tenant.client('POST', `${keys}/${key.id}/rotate`, {})).json()
    expect(successor.expiresAt).toBe(expiresAt)
    expect((await tenant.client('GET', `${keys}/${key.id}`)).json()).toMatchObject({ expiresAt })
    const rotate = `${keys}/${successor.id}/rotate`
    expect((await tenant.client('POST', rotate, { expiresAt: null })).json().expiresAt).toBe(null)
  })

  test('asked for twenty times at once makes one key', async () => {
    const { db, tenant, keys, make } = await administeredTenant()
    const { key } = await make({})
    const rotate = () => tenant.client('POST', `${keys}/${key.id}/rotate`, {})
    const responses = await Promise.all(Array.from({ length: 20 }, rotate))
    const made = responses.filter(({ statusCode }) => statusCode === 201)
    expect(made).toHaveLength(1)
    const others = responses.filter((response) => response !== made[0])
    expect(new Set(others.map(codeOf))).toEqual(new Set(['api-key-replaced']))
    expect(others[0]?.json()).toMatchObject({ replacedBy: made[0]?.json().id })
    expect(await db.selectFrom('api_key').select('id').where('name', '=', 'deploy').execute()).toHaveLength(2)
  })

  test('of the key that calls hands its work over', async () => {
    const { tenant, keys, works, clientWith } = await administeredTenant()
    const { secret } = (
      await tenant.client('POST', `${keys}/${tenant.keyId}/rotate`, { overlapSeconds: 0 })
    ).json()
    expect(await works(tenant.client)).toBe(false)
    expect((await clientWith(secret)('GET', keys)).statusCode).toBe(200)
  })
})
