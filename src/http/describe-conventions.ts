interface Header {
  description: string
  schema: { type: 'string'; maxLength?: number; pattern?: string }
}
interface Response {
  description?: string
  headers?: Record<string, Header>
  content?: Record<string, { schema?: { $ref?: string; properties?: Record<string, unknown> } }>
}
interface Operation {
  operationId?: string
  parameters?: object[]
  responses?: Record<string, Response>
}
type Schemas = Record<string, { properties?: Record<string, unknown> }>
interface Document {
  paths?: Record<string, Record<string, Operation>>
  components?: { schemas?: Schemas }
}

const text = { type: 'string' } as const

const IDEMPOTENCY_KEY = {
  in: 'header',
  name: 'Idempotency-Key',
  required: false,
  description:
    'Chosen by the client, such as a random UUID: a request that is sent again with it within 24 hours is not carried out again, and given the same answer',
  schema: { ...text, minLength: 1, maxLength: 255, pattern: '^[!-~]+$' },
}
const IF_MATCH = {
  in: 'header',
  name: 'If-Match',
  required: false,
  description:
    'The ETag of the resource as the client knows it: nothing is changed when it has another by now',
  schema: text,
}
const IF_NONE_MATCH = {
  in: 'header',
  name: 'If-None-Match',
  required: false,
  description: 'The ETag that the client has: the answer is 304 as long as it is the same',
  schema: text,
}
const ETAG: Header = {
  description: 'Entity tag of the resource, for If-Match and If-None-Match',
  schema: text,
}
const LINK: Header = { description: 'Address of the next page, `rel="next"`; not on the last', schema: text }

/** Adds to every operation what holds for all of its kind, and which operations take If-Match as their routes say. */
export function conventions() {
  const conditional = new Set<string>()
  return {
    note(operationId: string | undefined, ifMatch: boolean): void {
      if (operationId !== undefined && ifMatch) conditional.add(operationId)
    },

    applyTo<Description extends object>(document: Description): Description {
      const { paths = {}, components } = document as Document
      for (const operations of Object.values(paths)) {
        for (const [method, operation] of Object.entries(operations)) {
          const isConditional = conditional.has(operation.operationId ?? '')
          describe(method, operation, isConditional, components?.schemas ?? {})
        }
      }
      return document
    },
  }
}

function describe(method: string, operation: Operation, isConditional: boolean, schemas: Schemas): void {
  const responses = operation.responses ?? {}
  const add = (...parameters: object[]) => {
    operation.parameters = [...(operation.parameters ?? []), ...parameters]
  }
  addProblems(responses, { 400: 'The request is not valid' })
  if (method === 'post') {
    add(IDEMPOTENCY_KEY)
    addProblems(responses, {
      409: 'The state of the resource does not allow this',
      422: 'The request is valid, but cannot be met',
    })
  }
  if (isConditional) {
    add(IF_MATCH)
    addProblems(responses, { 412: 'The resource is not what If-Match says' })
  }
  for (const [status, response] of Object.entries(responses)) {
    if (status >= '300') continue
    const fields = fieldsOf(response, schemas)
    if (fields === null) continue
    const isPage = 'nextCursor' in fields
    if (isPage) response.headers = { ...response.headers, Link: LINK }
    if (method === 'get' ? !isPage : 'id' in fields) response.headers = { ...response.headers, ETag: ETAG }
  }
  if (method === 'get' && responses['200']?.headers?.['ETag'] !== undefined) {
    add(IF_NONE_MATCH)
    responses['304'] = { description: 'As If-None-Match says', headers: { ETag: ETAG } }
  }
}

/** Of a JSON object that is answered; null for everything else. */
function fieldsOf({ content }: Response, schemas: Schemas): Record<string, unknown> | null {
  const schema = content?.['application/json']?.schema
  const name = schema?.$ref?.split('/').at(-1)
  return (name === undefined ? schema : schemas[name])?.properties ?? null
}

function addProblems(responses: Record<string, Response>, meanings: Record<string, string>): void {
  for (const [status, description] of Object.entries(meanings))
    responses[status] ??= {
      description,
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    }
}
