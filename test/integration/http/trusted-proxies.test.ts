import { expect, test } from 'vitest'
import { newApiKeySecret } from '../../../src/domain/credentials.ts'
import { NO_RATES } from '../../../src/http/admission/limits.ts'
import { type Api, startApi } from './test-api.ts'

const PROXIES = ['10.0.0.0/24', 'fd00:1::5']

/** Where the audit log says that a tenant was made from. */
async function addressOf(api: Api, remoteAddress: string, forwardedFor?: string): Promise<string | null> {
  const answer = await api.app.inject({
    method: 'POST',
    url: '/v1/tenants',
    remoteAddress,
    headers: { authorization: api.authorization, ...(forwardedFor && { 'x-forwarded-for': forwardedFor }) },
    payload: { name: 'Acme' },
  })
  expect(answer.statusCode).toBe(201)
  const log = await api.platform('GET', `/v1/audit-log?resourceId=${answer.json().id}`)
  return log.json().data[0].sourceAddress
}

test('X-Forwarded-For is not believed unless proxies are trusted', async () => {
  const api = await startApi()
  expect(await addressOf(api, '10.0.0.5', '203.0.113.7')).toBe('10.0.0.5')
})

test.each([
  ['a trusted proxy says', '10.0.0.5', '203.0.113.7', '203.0.113.7'],
  ['a trusted proxy says by IPv6', 'fd00:1::5', '2001:db8::7', '2001:db8::7'],
  ['the first of two trusted proxies says', '10.0.0.5', '203.0.113.7, 10.0.0.6', '203.0.113.7'],
  ['a client cannot say itself', '10.0.0.5', '198.51.100.1, 203.0.113.7', '203.0.113.7'],
  ['nobody else can say', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
  ['a proxy says in no form of an address', '10.0.0.5', "x'; drop table", '10.0.0.5'],
  ['a proxy does not say', '10.0.0.5', undefined, '10.0.0.5'],
])('the address in the audit log is the one that %s', async (_what, remoteAddress, forwardedFor, address) => {
  const api = await startApi({}, { trustedProxies: PROXIES })
  expect(await addressOf(api, remoteAddress, forwardedFor)).toBe(address)
})

test('behind a trusted proxy who tries keys out keeps nobody else waiting, with however many addresses', async () => {
  const burst = 5
  const limits = { ...NO_RATES, address: { perSecond: burst / 3600, burst } }
  const api = await startApi({}, { limits, trustedProxies: PROXIES })
  const guess = async (forwardedFor: string) => {
    const headers = { authorization: `Bearer ${newApiKeySecret()}`, 'x-forwarded-for': forwardedFor }
    return (await api.app.inject({ url: '/v1/addons', remoteAddress: '10.0.0.5', headers })).statusCode
  }
  const answers = []
  for (let n = 1; n <= burst + 2; n++) answers.push(await guess(`2001:db8:1:2::${n}`))
  expect(answers).toEqual([401, 401, 401, 401, 401, 429, 429])
  expect(await guess('2001:db8:1:3::1')).toBe(401)
  expect(await guess('203.0.113.7')).toBe(401)
})
