import type { LightMyRequestResponse } from 'fastify'
import type { Client } from '../test-api.ts'
import type { Ground } from './ground.ts'

/** What a client sees of an answer, and what its making took. */
export interface Seen {
  status: number
  text: string
  /** The answer but for what is of each request alone. */
  answer: string
  statements: string
}

/** Headers whose values change from request to request. */
const VOLATILE = /^(date|.*request-id|(x-)?ratelimit.*)$/

export async function see({ statements }: Ground, asked: () => ReturnType<Client>): Promise<Seen> {
  statements.take()
  const response = await asked()
  return {
    status: response.statusCode,
    text: response.body,
    answer: comparable(response),
    statements: statements.take().join('\n'),
  }
}

function comparable({ statusCode, headers, body }: LightMyRequestResponse): string {
  const shown = Object.entries(headers).map(
    ([name, value]) => `${name}: ${VOLATILE.test(name) ? '' : String(value)}`,
  )
  const instance = body.replace(/"instance":"[^"]*"/, '"instance":""')
  return [statusCode, ...shown.sort(), instance].join('\n')
}

/** Says where two answers that have to be the same are not. */
export function differences(what: string, one: Seen, other: Seen): string[] {
  return [
    ...(one.answer === other.answer ? [] : [`${what}: the answers differ:\n${one.answer}\n${other.answer}`]),
    ...(one.statements === other.statements
      ? []
      : [`${what}: the statements differ:\n${one.statements}\n--\n${other.statements}`]),
  ]
}

export function unless(holds: boolean, fault: string): string[] {
  return holds ? [] : [fault]
}
