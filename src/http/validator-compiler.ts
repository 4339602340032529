import type { FastifySchemaCompiler } from 'fastify'
import { type $ZodIssue, type $ZodType, safeParse } from 'zod/v4/core'
import { Problem } from '../domain/problem.ts'

/** Checks a part of the request, and says which field of the body or which parameter is at fault. */
export const validatorCompiler: FastifySchemaCompiler<$ZodType> = ({ schema, httpPart }) => {
  return (input) => {
    // Fastify says null where there is no body.
    const given = httpPart === 'body' && input === null ? undefined : input
    const result = safeParse(schema, given)
    if (result.success) return { value: result.data }
    const errors = result.error.issues
      .flatMap(faultsOf)
      .map(({ path, detail }) =>
        httpPart === 'body' ? { pointer: pointerTo(path), detail } : { parameter: path.join('.'), detail },
      )
    return { error: new Problem('validation-failed', { extensions: { errors } }) }
  }
}

interface Fault {
  path: PropertyKey[]
  detail: string
}

/** zod reports unknown fields at the object that has them; a client looks for the field. */
function faultsOf(issue: $ZodIssue): Fault[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, detail: issue.message }]
  return issue.keys.map((key) => ({ path: [...issue.path, key], detail: 'is not known' }))
}

/** A JSON pointer (RFC 6901). */
function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
