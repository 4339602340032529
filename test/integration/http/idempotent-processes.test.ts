import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { transact } from '../../../src/db/transact.ts'
import { SCOPES } from '../../../src/domain/scopes.ts'
import { type KeyRing, keyRing } from '../../../src/secrets/key-ring.ts'
import { until } from '../../support/until.ts'
import { letLeaseEnd, rowOf, withKey } from './idempotency-ground.ts'
import { codeOf, rowCounts, startApi } from './test-api.ts'

/** A key ring that cannot seal answers while it is told so, as if the process ended before it keeps them. */
function forgetfulRing(): KeyRing & { forget: boolean } {
  const ring = keyRing([randomBytes(32)])
  return {
    ...ring,
    forget: false,
    seal(text, context) {
      if (this.forget && context.startsWith('idempotency-key/')) throw new Error('the process has ended')
      return ring.seal(text, context)
    },
  }
}

describe('a process that ends', () => {
  test('between its commit and its answer never leads to a second thing: the first is named', async () => {
    const ring = forgetfulRing()
    const api = await startApi({ keyRing: ring })
    const { client } = await api.newTenant(SCOPES)
    const headers = withKey('dies')
    ring.forget = true
    const { id } = (await client('POST', '/v1/addons', { name: 'shop' }, headers)).json()
    expect(await rowOf(api, 'dies')).toMatchObject({ state: 'applied', applied: { resourceId: id } })
    await letLeaseEnd(api)
    const again = await client('POST', '/v1/addons', { name: 'shop' }, headers)
    expect(again.json()).toMatchObject({ status: 409, action: 'addon.create', resourceId: id })
    expect(codeOf(again)).toBe('idempotent-answer-lost')
    expect(await rowCounts(api.db)).toMatchObject({ addon: 1 })
  })

  test('before it has changed anything leaves the request to the next one, and can commit nothing any more', async () => {
    const api = await startApi()
    const tenant = await api.newTenant(SCOPES)
    const headers = withKey('slow')
    const path = `/v1/tenants/${tenant.id}/api-keys`
    const held = Promise.withResolvers<void>()
    const locked = Promise.withResolvers<void>()
    // The first request waits for the tenant until its lease is over.
    const holder = transact(api.db, async (tx) => {
      await sql`select from tenant where id = ${tenant.id} for update`.execute(tx)
      locked.resolve()
      await held.promise
    })
    await locked.promise
    const first = api.platform('POST', path, { name: 'deploy' }, headers)
    await until(async () => (await api.db.selectFrom('idempotency_key').select('id').execute()).length === 1)
    const { id: firstId } = await rowOf(api, 'slow')
    await letLeaseEnd(api)
    const second = api.platform('POST', path, { name: 'deploy' }, headers)
    await until(async () => (await rowOf(api, 'slow')).id !== firstId)
    held.resolve()
    await holder
    const answers = [await first, await second]
    expect(answers.map((answer) => answer.statusCode)).toEqual([409, 201])
    expect(answers[0] && codeOf(answers[0])).toBe('idempotency-key-in-use')
    expect(await rowCounts(api.db)).toMatchObject({ api_key: 2 })
  })
})
