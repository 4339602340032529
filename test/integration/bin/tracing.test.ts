import { once } from 'node:events'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../support/until.ts'
import { PLATFORM_KEY, startProcess } from './processes.ts'

interface Span {
  traceId: string
  name: string
  attributes: { key: string; value: { stringValue?: string } }[]
}

interface Export {
  resourceSpans: { scopeSpans: { spans: Span[] }[] }[]
}

const attributeOf = ({ attributes }: Span, key: string) =>
  attributes.find((attribute) => attribute.key === key)?.value.stringValue

/** An OTLP/HTTP receiver that keeps what it is sent. */
async function receiver() {
  const spans: Span[] = []
  const paths = new Set<string>()
  const server = createServer((request, response) => {
    paths.add(request.url ?? '')
    void json(request).then((body) => {
      const { resourceSpans } = body as Export
      spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)))
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('BUG: a TCP server has a port')
  return { spans, paths, endpoint: `http://127.0.0.1:${address.port}` }
}

const call = (url: string, path: string, body: object) =>
  fetch(`${url}/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${PLATFORM_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

test('an operation is a part of the trace of the request that asked for it, in another process', async () => {
  const { spans, paths, endpoint } = await receiver()
  const variables = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_BSP_SCHEDULE_DELAY: '100' }
  const api = await startProcess('api', variables)
  const worker = await startProcess('worker', { ...variables, ...api.shared })
  const { id: tenantId } = (await (await call(api.url, '/tenants', { name: 'acme' })).json()) as {
    id: string
  }
  const created = await call(api.url, '/addons', { tenantId, name: 'shop' })
  const requestId = created.headers.get('x-request-id')
  expect(created.status).toBe(202)

  const find = (wanted: (span: Span) => boolean) => () => spans.some(wanted)
  const isStep = ({ name }: Span) => name.startsWith('step addon.provision')
  await until(find(isStep))
  const step = spans.find(isStep)
  const inTrace = (span: Span) => span.traceId === step?.traceId
  await until(find((span) => inTrace(span) && span.name === 'turn addon.provision'))
  await until(find((span) => inTrace(span) && attributeOf(span, 'http.route') === '/v1/addons'))
  expect(step && attributeOf(step, 'undrop.operation.id')).toMatch(/^op/)
  expect([...paths]).toEqual(['/v1/traces'])
  expect(JSON.stringify(spans)).not.toContain(PLATFORM_KEY)

  // The same without traces: the request is named on every line of the operation.
  await until(() => worker.log().includes(`"requestId":"${requestId}"`))
  const lines = worker
    .log()
    .split('\n')
    .filter((line) => line.includes('"operationId"'))
  expect(lines.length).toBeGreaterThan(0)
  for (const line of lines)
    expect(JSON.parse(line)).toMatchObject({
      requestId,
      tenantId,
      kind: 'addon.provision',
      attempt: expect.any(Number),
    })
})
