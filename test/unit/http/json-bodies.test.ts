import { describe, expect, test } from 'vitest'
import { unwiredServer } from './unwired-server.ts'

const SECRET = 'hunter2'

async function answerTo(payload: string | Buffer, contentType = 'application/json') {
  const { app, authorization } = unwiredServer()
  const headers = { authorization, 'content-type': contentType }
  return app.inject({ method: 'POST', url: '/v1/tenants', headers, payload })
}

describe('a body that is not JSON as it is meant between systems', () => {
  test.each([
    ['is cut off', `{"name": "${SECRET}`, 9],
    ['is no JSON', `{"name": ${SECRET}}`, 9],
    ['has a name twice', `{"name": "${SECRET}", "name": "b"}`, 20],
    ['has a number beyond all measure', '{"name": 1e999}', 9],
    ['is nested too deep', `{"name": ${'['.repeat(300)}`, 24],
  ])('%s: 400 tells where, and nothing of it', async (_name, payload, position) => {
    const response = await answerTo(payload)
    expect(response.json()).toMatchObject({
      type: 'https://undrop.dev/problems/malformed-body',
      status: 400,
      position,
    })
    expect(response.body).not.toContain(SECRET)
  })

  test('is not UTF-8: 400', async () => {
    const response = await answerTo(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))
    expect(response.json()).toMatchObject({ status: 400, detail: 'The body is not UTF-8.' })
  })

  test('is said to have another charset: 415', async () => {
    expect((await answerTo('{"name":"a"}', 'application/json; charset=utf-16')).statusCode).toBe(415)
    expect((await answerTo('{"name":7}', 'application/json; charset="UTF-8"')).json()).toMatchObject({
      errors: [{ pointer: '/name' }],
    })
  })

  test('may begin with a byte order mark', async () => {
    expect((await answerTo('\ufeff{"name":7}')).json()).toMatchObject({ errors: [{ pointer: '/name' }] })
  })
})

test('a path without a route is 404 without a key, also below /v1, for every method', async () => {
  const { app } = unwiredServer()
  for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS'] as const) {
    const response = await app.inject({ method, url: '/v1/nothing' })
    expect(response.json(), method).toMatchObject({ type: 'https://undrop.dev/problems/route-not-found' })
  }
  const options = await app.inject({ method: 'OPTIONS', url: '/v1/addons' })
  expect([options.statusCode, options.headers['allow']]).toEqual([405, expect.stringContaining('HEAD')])
  const head = await app.inject({ method: 'HEAD', url: '/v1/addons' })
  expect([head.statusCode, head.body]).toEqual([401, ''])
})

test('an error that is full of secrets is answered with none of them', async () => {
  const postgresVersions = () => {
    throw Object.assign(new Error(`password=${SECRET} select ${SECRET}`), { code: SECRET, detail: SECRET })
  }
  const { app, authorization } = unwiredServer({ postgresVersions })
  const payload = { name: 'shop', tenantId: 'tnt_01kas0d8w8e5h9xw2c5a9t7b3k' }
  const response = await app.inject({
    method: 'POST',
    url: '/v1/addons',
    headers: { authorization },
    payload,
  })
  expect(response.statusCode).toBe(500)
  expect(JSON.stringify([response.headers, response.body])).not.toContain(SECRET)
})
