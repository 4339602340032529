import type { InjectOptions } from 'fastify'
import { describe, expect, test } from 'vitest'
import { unwiredServer } from './unwired-server.ts'

async function answerTo(request: InjectOptions) {
  const { app, authorization } = unwiredServer()
  return app.inject({ ...request, headers: { authorization, ...request.headers } })
}

const json = { 'content-type': 'application/json' }
const post = { method: 'POST', url: '/v1/tenants' } as const

describe('a request that reaches no operation', () => {
  test.each([
    ['404 for a path that no route has', { url: '/v1/nothing' }, 404, 'route-not-found'],
    ['404 outside of the API too', { url: '/' }, 404, 'route-not-found'],
    ['404 for a path that is no UTF-8', { url: '/v1/addons/%ff' }, 404, 'route-not-found'],
    [
      '404 for an id that is longer than any',
      { url: `/v1/addons/${'a'.repeat(300)}` },
      404,
      'route-not-found',
    ],
    [
      '405 for a method the path does not have',
      { method: 'PUT', url: '/v1/addons/x' },
      405,
      'method-not-allowed',
    ],
    ['400 for a body that is not JSON', { ...post, headers: json, payload: '{' }, 400, 'malformed-body'],
    ['400 for an empty body where one is needed', { ...post, headers: json }, 400, 'validation-failed'],
    [
      '400 for a body that sets a prototype',
      { ...post, headers: json, payload: '{"__proto__":{}}' },
      400,
      'malformed-body',
    ],
    [
      '413 for a body over the limit',
      { ...post, payload: { name: 'a'.repeat(2000) } },
      413,
      'body-too-large',
    ],
    [
      '415 for another media type',
      { ...post, headers: { 'content-type': 'text/plain' }, payload: 'a' },
      415,
      'unsupported-media-type',
    ],
    ['401 for no key', { url: '/v1/addons', headers: { authorization: '' } }, 401, 'unauthenticated'],
    [
      '401 for a key of another shape',
      { url: '/v1/addons', headers: { authorization: 'Bearer abc' } },
      401,
      'unauthenticated',
    ],
  ] as const)('%s', async (_name, request, status, code) => {
    const response = await answerTo(request as InjectOptions)
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(response.statusCode).toBe(status)
    expect(response.json()).toMatchObject({
      type: `https://undrop.dev/problems/${code}`,
      title: expect.any(String),
      status,
      instance: expect.any(String),
    })
  })

  test('405 lists the methods that the path has', async () => {
    const response = await answerTo({ method: 'PUT', url: '/v1/addons/addon_1?x=1' })
    const allowed = String(response.headers['allow']).split(', ')
    expect(allowed).toEqual(expect.arrayContaining(['GET', 'PATCH', 'DELETE']))
    expect(allowed).not.toContain('PUT')
  })

  test('401 says how to authenticate', async () => {
    const response = await answerTo({ url: '/v1/addons', headers: { authorization: '' } })
    expect(response.headers['www-authenticate']).toMatch(/^Bearer/)
  })

  test('no request id is taken from outside', async () => {
    const response = await answerTo({
      url: '/v1/nothing',
      headers: { 'request-id': 'mine', 'x-request-id': 'mine' },
    })
    expect(response.json().instance).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('500 tells nothing but the request id', async () => {
    const response = await answerTo({ url: '/v1/tenants' })
    expect(response.json()).toEqual({
      type: 'https://undrop.dev/problems/internal-error',
      title: 'Internal error',
      status: 500,
      instance: expect.any(String),
    })
  })
})

describe('a request that is not valid', () => {
  test('400 names a query parameter that is wrong or unknown', async () => {
    const response = await answerTo({ url: '/v1/tenants?limit=0&nonsense=1' })
    expect(response.json()).toMatchObject({
      status: 400,
      errors: [{ parameter: 'limit' }, { parameter: 'nonsense' }],
    })
  })

  test('400 for a cursor that no page gave', async () => {
    const response = await answerTo({ url: '/v1/tenants?cursor=AAAA' })
    expect(response.json()).toMatchObject({ status: 400, errors: [{ parameter: 'cursor' }] })
  })

  test('400 escapes the names of fields in JSON pointers', async () => {
    const response = await answerTo({ ...post, payload: { name: 'a', 'x/y~z': 1 } })
    expect(response.json()).toMatchObject({ errors: [{ pointer: '/x~1y~0z' }] })
  })

  test('400 points at the whole body when it is no object', async () => {
    const response = await answerTo({ ...post, headers: json, payload: '[]' })
    expect(response.json()).toMatchObject({ status: 400, errors: [{ pointer: '' }] })
  })
})
