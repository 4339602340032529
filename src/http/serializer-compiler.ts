import { isDeepStrictEqual } from 'node:util'
import type { FastifySerializerCompiler } from 'fastify'
import { serializerCompiler } from 'fastify-type-provider-zod'

type Compiler = FastifySerializerCompiler<Parameters<typeof serializerCompiler>[0]['schema']>

/** Writes what use cases return as it is: they make it themselves, field by field. */
export const trustingSerializerCompiler: Compiler = () => JSON.stringify

/**
 * Writes the same, having made sure that the schema says so: every field, and none that it does not know. It takes
 * several times as long, and is for tests.
 */
export const checkingSerializerCompiler: Compiler = (route) => {
  const serialize = serializerCompiler(route)
  return (data) => {
    const text = serialize(data)
    if (!isDeepStrictEqual(JSON.parse(text), JSON.parse(JSON.stringify(data))))
      throw new Error(`${route.method} ${route.url} answers what its schema does not know`)
    return text
  }
}
