import { expect, test } from 'vitest'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { unwiredServer } from './unwired-server.ts'

function logging() {
  const lines: Record<string, unknown>[] = []
  const logger = createLogger({ level: 'debug' }, { write: (line) => void lines.push(JSON.parse(line)) })
  const served: object[] = []
  return { lines, served, ...unwiredServer({ logger, served: (request) => void served.push(request) }) }
}

test('every line of a request has its id, which the answer has too, with its method and route', async () => {
  const { app, lines } = logging()
  const response = await app.inject('/v1/addons/addon_1?limit=1')
  const id = response.headers['x-request-id']
  expect(id).toMatch(/^[\da-f-]{36}$/)
  expect(response.json()).toMatchObject({ instance: id })
  expect(lines.length).toBeGreaterThan(1)
  for (const line of lines)
    expect(line).toMatchObject({ requestId: id, route: '/v1/addons/:addonId', method: 'GET' })
  const path = '/v1/addons/addon_1'
  expect(lines.at(-1)).toMatchObject({ level: 30, status: 401, path, durationSeconds: expect.any(Number) })
})

test('an id that the caller gives is logged beside, without what could mislead, and never used', async () => {
  const { app, lines } = logging()
  const headers = { 'x-request-id': `theirs"\\ ${'x'.repeat(100)}` }
  const response = await app.inject({ url: '/v1/addons', headers })
  expect(response.headers['x-request-id']).not.toContain('theirs')
  expect(lines.at(-1)).toMatchObject({ callerRequestId: `theirs${'x'.repeat(58)}` })
})

test.each(['/nowhere', '/v1/addons/%zz', '/healthz'])(
  'every answer has the id of its request: %s',
  async (url) => {
    expect((await logging().app.inject(url)).headers['x-request-id']).toMatch(/^[\da-f-]{36}$/)
  },
)

test('a query is not logged', async () => {
  const { app, lines } = logging()
  await app.inject('/v1/addons?after=swordfish')
  expect(JSON.stringify(lines)).not.toContain('swordfish')
})

test.each(['/healthz', '/readyz'])('%s is logged for those alone who look closely', async (url) => {
  const { app, lines } = logging()
  await app.inject(url)
  expect(lines).toMatchObject([{ level: 20, msg: 'request' }])
})

test('requests are measured by route and not by path', async () => {
  const { app, served } = logging()
  await app.inject('/v1/addons/addon_1')
  await app.inject('/nowhere/addon_1')
  expect(served).toMatchObject([
    { method: 'GET', route: '/v1/addons/:addonId', status: 401 },
    { route: 'none', status: 404 },
  ])
})
