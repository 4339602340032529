import type { Operation } from '../openapi-operations.ts'
import { fill } from '../openapi-operations.ts'
import type { Ids } from './ground.ts'
import { KINDS, PLAIN_BODY_FIELDS, PLAIN_HEADERS, PLAIN_QUERY_PARAMETERS } from './kinds.ts'

/** Where an operation takes the id of something. */
interface Place {
  in: 'path' | 'query' | 'body'
  /** The name of the parameter, or the JSON pointer to the field. */
  name: string
  /** One of `KINDS`. */
  kind: string
}

interface Request {
  method: Operation['method']
  url: string
  body: unknown
}

/** What an operation takes that the ground knows nothing of: it would go untried. */
export function unknownPlaces({ id, headerParameters, queryParameters, ...operation }: Operation): string[] {
  const unknown = (place: string, names: readonly string[]) => names.map((name) => `${id}: ${place} ${name}`)
  const known = (name: string) => KINDS[name] !== undefined
  return [
    ...unknown(
      'path',
      operation.pathParameters.filter((name) => !known(name)),
    ),
    ...unknown(
      'query',
      queryParameters.filter((name) => !known(name) && !PLAIN_QUERY_PARAMETERS.includes(name)),
    ),
    ...unknown(
      'header',
      headerParameters.filter((name) => !PLAIN_HEADERS.includes(name.toLowerCase())),
    ),
    ...unknown(
      'body',
      idFields(operation.bodyFields).filter((pointer) => !known(kindOf(pointer))),
    ),
  ]
}

function placesOf({ pathParameters, queryParameters, bodyFields }: Operation): Place[] {
  return [
    ...pathParameters.map((name) => ({ in: 'path', name, kind: name }) as const),
    ...queryParameters.map((name) => ({ in: 'query', name, kind: name }) as const),
    ...idFields(bodyFields).map((name) => ({ in: 'body', name, kind: kindOf(name) }) as const),
  ].filter(({ kind }) => KINDS[kind] !== undefined)
}

function idFields(pointers: readonly string[]): string[] {
  return pointers.filter(
    (pointer) => /Ids?$/.test(lastName(pointer)) && !PLAIN_BODY_FIELDS.includes(lastName(pointer)),
  )
}

const lastName = (pointer: string): string =>
  pointer
    .replace(/(\/0)+$/, '')
    .split('/')
    .at(-1) ?? ''
const kindOf = (pointer: string): string => lastName(pointer).replace(/Ids$/, 'Id')

export interface Choice {
  /** Where ids of another's stand. */
  places: readonly Place[]
  /** Names them. */
  what: string
}

/** Every choice of places for ids of another's: each alone, and all that can go together. */
export function choices(operation: Operation): Choice[] {
  const subsets: Place[][] = [[]]
  for (const place of placesOf(operation)) subsets.push(...subsets.map((subset) => [...subset, place]))
  const chosen = subsets.filter((places) => places.length > 0)
  return chosen.map((places) => ({
    places,
    what: places.map((place) => `${place.in} ${place.name}`).join(' and '),
  }))
}

/** The operation asked with ids of one's own in its path, and those of another's in the chosen places. */
export function requestOf(
  operation: Operation,
  own: Ids,
  { places }: { places: readonly Place[] },
  others: Ids,
): Request {
  const foreign = (place: Place['in']) => places.filter((each) => each.in === place)
  const inPath = Object.fromEntries(foreign('path').map(({ name, kind }) => [name, others[kind] ?? '']))
  const query = new URLSearchParams(
    Object.fromEntries(foreign('query').map(({ name, kind }) => [name, others[kind] ?? ''])),
  )
  const path = fill(operation.path, { ...own, ...inPath })
  const body = structuredClone(operation.body)
  for (const { name, kind } of foreign('body'))
    put(body as Container, name.split('/').slice(1), others[kind] ?? '')
  return { method: operation.method, url: query.size > 0 ? `${path}?${query.toString()}` : path, body }
}

type Container = Record<string, unknown>

function put(container: Container, [name = '', ...rest]: string[], value: string): void {
  if (rest.length === 0) {
    container[name] = value
    return
  }
  container[name] ??= rest[0] === '0' ? [] : {}
  put(container[name] as Container, rest, value)
}

export function unknownIds(): Ids {
  return Object.fromEntries(Object.entries(KINDS).map(([name, { unknown }]) => [name, unknown()]))
}
