import type { OpenAPIV3_1 } from 'openapi-types'
import { openapiText } from '../../../src/http/openapi-text.ts'
import type { Client } from './test-api.ts'

export interface Operation {
  id: string
  method: Parameters<Client>[0]
  path: string
  pathParameters: string[]
  queryParameters: string[]
  /** An example from the document; undefined when the operation takes no body. */
  body: unknown
  platformOnly: boolean
  /** Whether it answers with a stream of events, and not with one document. */
  streams: boolean
}

/** Every operation that the API documents, so that a new one cannot be forgotten. */
export async function documentedOperations(): Promise<Operation[]> {
  const document: OpenAPIV3_1.Document = JSON.parse(await openapiText())
  const schemas = document.components?.schemas ?? {}
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item ?? {}).map(([method, operation]) =>
      describe(path, method, operation as never, schemas),
    ),
  )
}

function describe(
  path: string,
  method: string,
  operation: OpenAPIV3_1.OperationObject,
  schemas: Record<string, { examples?: unknown[] }>,
): Operation {
  const parameters = (operation.parameters ?? []) as OpenAPIV3_1.ParameterObject[]
  const named = (place: string) =>
    parameters.filter((each) => each.in === place).map((each) => each.name ?? '')
  const body = operation.requestBody as OpenAPIV3_1.RequestBodyObject | undefined
  const schema = body?.content['application/json']?.schema as { $ref: string } | undefined
  return {
    id: operation.operationId ?? '',
    method: method.toUpperCase() as Operation['method'],
    path,
    pathParameters: named('path'),
    queryParameters: named('query'),
    body: schema && schemas[schema.$ref.split('/').at(-1) ?? '']?.examples?.[0],
    streams:
      'text/event-stream' in ((operation.responses?.[200] as OpenAPIV3_1.ResponseObject)?.content ?? {}),
    platformOnly: !operation.security?.some((requirement) => 'tenantKey' in requirement),
  }
}

/** The path with its parameters filled in; fails for one that the test does not know. */
export function fill(path: string, ids: Readonly<Record<string, string>>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const id = ids[name]
    if (id === undefined) throw new Error(`the test does not know the path parameter ${name}`)
    return id
  })
}
