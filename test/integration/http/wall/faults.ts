import { fill, type Operation } from '../openapi-operations.ts'
import type { Client } from '../test-api.ts'
import { allBut, type Ground, type Ids } from './ground.ts'
import { differences, type Seen, see, unless } from './probe.ts'
import { choices, requestOf, unknownIds } from './requests.ts'

/** Holes that were found in the wall, in words; each function takes one operation. */
export type Faults = Promise<string[]>

/** With a key of the stranger's that may do everything, whatever is the victim's is as if it had never been. */
export async function foreignIdFaults(ground: Ground, operation: Operation): Faults {
  const { victim, stranger } = ground
  const faults: string[] = []
  for (const choice of choices(operation)) {
    // Finds nothing, and so goes on: event-stream.test.ts shows that it tells nothing.
    if (operation.streams && choice.places.every(({ name }) => name === 'resourceId')) continue
    const what = `${operation.id} with another's ${choice.what}`
    const ask = (others: Ids) => {
      const { method, url, body } = requestOf(operation, stranger.ids, choice, others)
      return see(ground, () => stranger.client(method, url, body))
    }
    const [foreign, unknown] = [await ask(victim.ids), await ask(unknownIds())]
    const filters = choice.places.every((place) => place.in === 'query')
    const expected = operation.platformOnly ? [403] : filters ? [404, 200] : [404]
    faults.push(
      ...unless(expected.includes(foreign.status), `${what}: ${foreign.status} ${foreign.text}`),
      ...differences(what, foreign, unknown),
      ...leaks(what, foreign, victim.ids),
    )
  }
  return faults
}

/** What the stranger reads with ids of its own holds nothing of the victim's, wherever the victim's lists begin. */
export async function readingFaults(ground: Ground, operation: Operation): Faults {
  if (operation.method !== 'GET' || operation.platformOnly || operation.streams) return []
  const { victim, stranger } = ground
  const path = fill(operation.path, stranger.ids)
  const cursors = operation.queryParameters.includes('cursor') ? Object.values(victim.ids).map(cursorOf) : []
  const faults: string[] = []
  for (const url of [path, ...cursors.map((cursor) => `${path}?cursor=${cursor}`)]) {
    const seen = await see(ground, () => stranger.client('GET', url))
    const what = `${operation.id} of ${url}`
    const expected = url === path ? [200] : [200, 400]
    faults.push(
      ...unless(expected.includes(seen.status), `${what}: ${seen.status} ${seen.text}`),
      ...leaks(what, seen, victim.ids),
    )
  }
  return faults
}

const cursorOf = (id: string): string => Buffer.from(id).toString('base64url')

/** Without one of its scopes an operation is refused before anything is looked at; with them alone it is not. */
export async function scopeFaults(ground: Ground, operation: Operation): Faults {
  const { stranger } = ground
  if (operation.platformOnly) return refusedAlike(ground, operation, stranger.client, 403, 'for a tenant')
  const faults = unless(operation.scopes.length > 0, `${operation.id}: needs no scope`)
  for (const scope of operation.scopes) {
    const client = await stranger.clientOf(allBut(scope))
    faults.push(...(await refusedAlike(ground, operation, client, 403, `without ${scope}`)))
  }
  const client = await stranger.clientOf(operation.scopes)
  const { method, url } = requestOf(operation, unknownIds(), { places: [] }, {})
  if (operation.streams) return faults
  const { status } = await see(ground, () => client(method, url, method === 'GET' ? undefined : { none: 1 }))
  const granted = ![401, 403].includes(status)
  return [...faults, ...unless(granted, `${operation.id}: ${status} with ${operation.scopes.join()}`)]
}

/** Keys that open nothing get the same answer for whatever is asked, and those that once did are like unknown ones. */
export async function refusalFaults(ground: Ground, operation: Operation): Faults {
  const faults: string[] = []
  const seen: Record<string, Seen> = {}
  for (const [what, authorization] of Object.entries(ground.refused)) {
    const client: Client = (method, url, body) => {
      const headers = authorization === undefined ? {} : { authorization }
      const payload = body === undefined ? {} : { payload: body as object }
      return ground.api.app.inject({ method, url, headers, ...payload })
    }
    faults.push(...(await refusedAlike(ground, operation, client, 401, `with ${what}`)))
    const { method, url, body } = requestOf(operation, ground.victim.ids, { places: [] }, {})
    seen[what] = await see(ground, () => client(method, url, body))
  }
  const unknown = seen['an unknown key']
  for (const once of ['an expired key', 'a revoked key', 'a rotated key']) {
    const other = seen[once]
    if (unknown === undefined || other === undefined) throw new Error(`the ground has no ${once}`)
    faults.push(...differences(`${operation.id} with ${once} and an unknown one`, other, unknown))
  }
  return faults
}

/** The status for the caller's own, the victim's and unknown ids, with no difference between them. */
async function refusedAlike(
  ground: Ground,
  operation: Operation,
  client: Client,
  status: number,
  how: string,
): Faults {
  const what = `${operation.id} ${how}`
  const { stranger, victim } = ground
  const [own, foreign, unknown] = [stranger.ids, victim.ids, unknownIds()].map((ids) => {
    const { method, url, body } = requestOf(operation, ids, { places: [] }, {})
    return () => see(ground, () => client(method, url, body))
  })
  if (own === undefined || foreign === undefined || unknown === undefined) return []
  const [first, second, third] = [await own(), await foreign(), await unknown()]
  return [
    ...unless(first.status === status, `${what}: ${first.status} ${first.text}`),
    ...differences(`${what} for own and another's ids`, first, second),
    ...differences(`${what} for own and unknown ids`, first, third),
  ]
}

function leaks(what: string, { text }: Seen, ids: Ids): string[] {
  const leaked = Object.entries(ids).filter(([, id]) => text.includes(id))
  return leaked.map(([kind]) => `${what}: shows another's ${kind}`)
}
