import type { OpenAPIV3_1 } from 'openapi-types'
import type { Scope } from '../../../src/domain/scopes.ts'
import { openapiText } from '../../../src/http/openapi-text.ts'
import type { Client } from './test-api.ts'

export interface Operation {
  id: string
  method: Parameters<Client>[0]
  path: string
  pathParameters: string[]
  queryParameters: string[]
  headerParameters: string[]
  /** JSON pointers to the fields of its body; `0` stands for the places of an array. */
  bodyFields: string[]
  /** Whether a successful answer has an ETag. */
  etag: boolean
  /** An example from the document; undefined when the operation takes no body. */
  body: unknown
  platformOnly: boolean
  /** The statuses that it may answer with. */
  statuses: number[]
  /** Scopes that a tenant's key has to have, all of them. */
  scopes: Scope[]
  /** Whether its answer goes on until the client leaves. */
  streams: boolean
}

/** Every operation that the API documents, so that a new one cannot be forgotten. */
export async function documentedOperations(): Promise<Operation[]> {
  return operationsOf(JSON.parse(await openapiText()))
}

export function operationsOf(document: OpenAPIV3_1.Document): Operation[] {
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
  schemas: Record<string, Schema>,
): Operation {
  const parameters = (operation.parameters ?? []) as OpenAPIV3_1.ParameterObject[]
  const named = (place: string) =>
    parameters.filter((each) => each.in === place).map((each) => each.name ?? '')
  const body = operation.requestBody as OpenAPIV3_1.RequestBodyObject | undefined
  const schema = body?.content['application/json']?.schema as Schema | undefined
  const tenantKey = operation.security?.find((requirement) => 'tenantKey' in requirement)
  return {
    id: operation.operationId ?? '',
    method: method.toUpperCase() as Operation['method'],
    path,
    pathParameters: named('path'),
    queryParameters: named('query'),
    statuses: Object.keys(operation.responses ?? {}).map(Number),
    headerParameters: named('header'),
    bodyFields: [...new Set(fieldsOf(schema, schemas))],
    body: schema && resolved(schema, schemas).examples?.[0],
    platformOnly: tenantKey === undefined,
    scopes: (tenantKey?.['tenantKey'] ?? []) as Scope[],
    streams: JSON.stringify(operation.responses ?? {}).includes('text/event-stream'),
    etag: Object.values(operation.responses ?? {}).some(
      (response) => 'ETag' in ((response as OpenAPIV3_1.ResponseObject).headers ?? {}),
    ),
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

interface Schema {
  $ref?: string
  examples?: unknown[]
  properties?: Record<string, Schema>
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
}

function resolved(schema: Schema, schemas: Record<string, Schema>): Schema {
  const name = schema.$ref?.split('/').at(-1)
  return name === undefined ? schema : (schemas[name] ?? {})
}

function fieldsOf(schema: Schema | undefined, schemas: Record<string, Schema>, pointer = ''): string[] {
  if (schema === undefined) return []
  const { properties = {}, items, anyOf = [], oneOf = [], allOf = [] } = resolved(schema, schemas)
  const inner = [
    ...Object.entries(properties).flatMap(([name, field]) => fieldsOf(field, schemas, `${pointer}/${name}`)),
    ...fieldsOf(items, schemas, `${pointer}/0`),
    ...[...anyOf, ...oneOf, ...allOf].flatMap((part) => fieldsOf(part, schemas, pointer)),
  ]
  return inner.length > 0 || pointer === '' ? inner : [pointer]
}
