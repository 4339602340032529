import type { Operation } from '../openapi-operations.ts'
import { brokenBodies, hostileText, hostileValue, mediaTypes, rawTargets } from './hostile.ts'
import type { Random } from './random.ts'

/** One request as it is sent, byte for byte but for what HTTP itself needs. */
export interface FuzzedRequest {
  /** The operation that it is made from; null for paths that are none. */
  operation: Operation | null
  method: string
  target: string
  headers: Record<string, string>
  body: string | Buffer | undefined
}

export interface Material {
  operations: readonly Operation[]
  /** Ids that exist, by the name of the parameter. */
  ids: Readonly<Record<string, string>>
  /** Values of `authorization` that open something. */
  keys: readonly string[]
}

/** A third is valid, a third nearly, and a third is not meant to be. */
export function fuzzedRequest(random: Random, material: Material): FuzzedRequest {
  if (random.chance(0.03)) return strayRequest(random, material)
  const operation = random.pick(material.operations)
  const faults = random.pick([0, 1, 4])
  const places = Array.from({ length: faults }, () => random.pick(PLACES))
  const spoilt = (place: (typeof PLACES)[number]) => places.includes(place)
  const headers: Record<string, string> = { authorization: random.pick(material.keys) }
  const body = bodyOf(random, operation, spoilt('body'))
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (spoilt('headers')) Object.assign(headers, hostileHeaders(random))
  return {
    operation,
    method: spoilt('method')
      ? random.pick(['PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE'])
      : operation.method,
    target:
      pathOf(random, operation, material.ids, spoilt('path')) + queryOf(random, operation, spoilt('query')),
    headers,
    body,
  }
}

const PLACES = ['body', 'body', 'body', 'path', 'query', 'headers', 'method'] as const

function strayRequest(random: Random, { keys }: Material): FuzzedRequest {
  const headers = { authorization: random.pick(keys), ...(random.chance(0.5) ? hostileHeaders(random) : {}) }
  const target = random.chance(0.7) ? random.pick(rawTargets) : `/${encoded(hostileText(random))}`
  return { operation: null, method: random.pick(['GET', 'POST', 'DELETE']), target, headers, body: undefined }
}

function pathOf(random: Random, { path }: Operation, ids: Material['ids'], isSpoilt: boolean): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const id = ids[name]
    if (id === undefined) throw new Error(`no id is known for the path parameter ${name}`)
    if (!isSpoilt) return id
    return random.pick([
      encoded(hostileText(random)),
      id.slice(0, -1),
      id.toUpperCase(),
      `${id}%00`,
      `%2e%2e`,
    ])
  })
}

function queryOf(random: Random, { queryParameters }: Operation, isSpoilt: boolean): string {
  if (!isSpoilt) return ''
  const names = [...queryParameters, 'limit', 'cursor', 'unknown', '__proto__']
  const pairs = Array.from({ length: 1 + random.below(4) }, () => {
    const value = random.chance(0.3)
      ? JSON.stringify(hostileValue(random)).slice(0, 500)
      : hostileText(random)
    return `${random.pick(names)}=${encoded(value)}`
  })
  return `?${pairs.join('&')}`
}

/** `encodeURIComponent` refuses half a surrogate pair; on the wire it is three bytes. */
function encoded(text: string): string {
  return Array.from(text)
    .map((each) => (/^\p{Cs}$/u.test(each) ? '%ED%A0%80' : encodeURIComponent(each)))
    .join('')
    .slice(0, 6000)
}

function hostileHeaders(random: Random): Record<string, string> {
  const printable = hostileText(random).replace(/[^\u0020-\u007e]/g, '?')
  return random.pick<Record<string, string>>([
    { authorization: `Bearer ${printable}` },
    { authorization: printable },
    { authorization: '' },
    { 'content-type': random.pick(mediaTypes) },
    { 'idempotency-key': printable },
    { 'if-match': printable },
    { 'if-none-match': printable },
    { 'last-event-id': printable },
    { 'x-request-id': printable },
    { 'x-forwarded-for': printable },
    { 'x-http-method-override': 'DELETE' },
    { 'accept': printable },
    { 'accept-encoding': printable },
    { 'expect': '100-continue' },
    { 'range': 'bytes=0-1,1-2,2-3' },
    { 'cookie': printable },
    { 'traceparent': printable },
    { [`x-${'a'.repeat(200)}`]: 'b'.repeat(3000) },
  ])
}

function bodyOf(random: Random, { body }: Operation, isSpoilt: boolean): string | Buffer | undefined {
  if (!isSpoilt) return body === undefined ? undefined : JSON.stringify(body)
  if (random.chance(0.15)) return random.pick(brokenBodies)
  if (body === undefined) return JSON.stringify(hostileValue(random))
  return JSON.stringify(spoil(random, body))
}

/** The value with one place in it changed. */
function spoil(random: Random, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || random.chance(0.1)) return hostileValue(random)
  if (Array.isArray(value)) {
    if (value.length === 0) return [hostileValue(random)]
    const place = random.below(value.length)
    return value.map((each, index) => (index === place ? spoil(random, each) : each))
  }
  const names = Object.keys(value)
  if (names.length === 0 || random.chance(0.15))
    return { ...value, [hostileText(random)]: hostileValue(random) }
  const name = random.pick(names)
  if (random.chance(0.1)) return Object.fromEntries(Object.entries(value).filter(([each]) => each !== name))
  return { ...value, [name]: spoil(random, (value as Record<string, unknown>)[name]) }
}
