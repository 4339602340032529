import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { authentication } from '../../../src/http/plugins/authentication.ts'
import { needs } from '../../../src/http/security.ts'
import { type Api, startApi } from './test-api.ts'
import { type Faults, foreignIdFaults, readingFaults, refusalFaults, scopeFaults } from './wall/faults.ts'
import { layGround } from './wall/ground.ts'
import { faultsOf, hiddenRoutes, operationsIn } from './wall/operations.ts'
import { unknownPlaces } from './wall/requests.ts'

/** Routes with holes, beside the API's own: what the wall's test says of them shows that it sees. */
async function withCanaries(routes: (v1: FastifyInstance, api: Api) => void) {
  const api = await startApi()
  const hidden = hiddenRoutes(api)
  void api.app.register(
    async (v1) => {
      await v1.register(authentication, { deps: api.deps })
      routes(v1.withTypeProvider<ZodTypeProvider>() as unknown as FastifyInstance, api)
    },
    { prefix: '/v1' },
  )
  const operations = (await operationsIn(api)).filter(({ path }) => path.startsWith('/v1/canaries'))
  const faults = async (find: Parameters<typeof faultsOf>[2]): Faults =>
    faultsOf(await layGround(api), operations, find)
  return { operations, faults, hidden: () => hidden(operations) }
}

const canary = { operationId: 'sing', tags: ['Canaries'], security: needs('addons:read') }
const addonParams = z.object({ addonId: z.string() })
type WithAddon = { Params: { addonId: string } }

test('what a new route takes and the ground does not know is found', async () => {
  const { operations } = await withCanaries((v1) => {
    const querystring = z.object({ parrotId: z.string(), limit: z.string(), mood: z.string() })
    const cages = z.object({ cageIds: z.array(z.string()), keeper: z.object({ keeperId: z.string() }) })
    const body = cages.extend({
      secretAccessKeyId: z.string(),
      accessKeyId: z.string(),
      addonIds: z.array(z.string()),
    })
    const headers = z.object({ 'x-canary-id': z.string() })
    const params = z.object({ canaryId: z.string() })
    const schema = { ...canary, params, querystring, body, headers }
    v1.post('/canaries/:canaryId', { schema }, async () => ({}))
  })
  expect(operations.flatMap(unknownPlaces)).toEqual([
    'sing: path canaryId',
    'sing: query parrotId',
    'sing: query mood',
    'sing: header x-canary-id',
    'sing: body /cageIds/0',
    'sing: body /keeper/keeperId',
    'sing: body /secretAccessKeyId',
  ])
})

test('a route that is not in the document is found', async () => {
  const { hidden } = await withCanaries((v1) => {
    v1.get('/canaries', { schema: { ...canary, hide: true } }, async () => ({}))
  })
  expect(await hidden()).toContain('GET /v1/canaries')
})

test('a route that shows what is of another tenant is found', async () => {
  const { faults } = await withCanaries((v1, { deps }) => {
    v1.get<WithAddon>('/canaries/:addonId', { schema: { ...canary, params: addonParams } }, (request) =>
      deps
        .dbOf('every-tenant')
        .selectFrom('addon')
        .selectAll()
        .where('id', '=', request.params.addonId)
        .execute(),
    )
  })
  expect((await faults(foreignIdFaults)).join('\n')).toMatch(/the answers differ.*shows another's addonId/s)
})

test('a list that shows what is of another tenant is found', async () => {
  const { faults } = await withCanaries((v1, { deps }) => {
    v1.get('/canaries', { schema: canary }, () =>
      deps.dbOf('every-tenant').selectFrom('addon').select('id').execute(),
    )
  })
  expect((await faults(readingFaults)).join()).toContain(`shows another's addonId`)
})

test('a query that forgets its tenant shows nothing of another, because a request is given the database of its tenant', async () => {
  const { faults } = await withCanaries((v1) => {
    v1.get('/canaries', { schema: canary }, ({ deps }) => deps.db.selectFrom('addon').select('id').execute())
    v1.get<WithAddon>(
      '/canaries/:addonId',
      { schema: { ...canary, params: addonParams } },
      async (request, reply) => {
        const { addonId } = request.params
        const addons = request.deps.db.selectFrom('addon').select('id').where('id', '=', addonId)
        return reply.code((await addons.executeTakeFirst()) === undefined ? 404 : 200).send({})
      },
    )
  })
  expect(await faults(readingFaults)).toEqual([])
  expect(await faults(foreignIdFaults)).toEqual([])
})

test('a route that says the same of what is of another tenant, but does more for it, is found', async () => {
  const { faults } = await withCanaries((v1, { deps }) => {
    v1.get<WithAddon>(
      '/canaries/:addonId',
      { schema: { ...canary, params: addonParams } },
      async (request, reply) => {
        const db = deps.dbOf('every-tenant')
        const { addonId } = request.params
        const found = await db.selectFrom('addon').select('id').where('id', '=', addonId).executeTakeFirst()
        if (found !== undefined)
          await db.selectFrom('backup').select('id').where('addon_id', '=', addonId).execute()
        return reply.code(404).send({})
      },
    )
  })
  expect(await faults(foreignIdFaults)).toEqual([expect.stringContaining('the statements differ')])
})

test('a route that any key of a tenant opens is found', async () => {
  const { faults } = await withCanaries((v1) => {
    v1.get('/canaries', { schema: { ...canary, security: needs() } }, async () => ({}))
  })
  expect((await faults(scopeFaults)).join('\n')).toContain('sing: needs no scope')
})

test('a route that asks for no key is found', async () => {
  const api = await startApi()
  void api.app.register(async (v1) => v1.get('/canaries', { schema: canary }, async () => ({})), {
    prefix: '/v1',
  })
  const [operation] = (await operationsIn(api)).filter(({ path }) => path === '/v1/canaries')
  if (operation === undefined) throw new Error('the canary is not documented')
  const ground = await layGround(api)
  expect((await refusalFaults(ground, operation)).join('\n')).toContain('sing with no key: 200')
  expect((await scopeFaults(ground, operation)).join('\n')).toContain('sing without addons:read: 200')
})
