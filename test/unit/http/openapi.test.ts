import { readFile } from 'node:fs/promises'
import type { OpenAPIV3_1 } from 'openapi-types'
import { beforeAll, describe, expect, test } from 'vitest'
import { openapiText } from '../../../src/http/openapi-text.ts'
import { unwiredServer } from './unwired-server.ts'

type Schema = { $ref?: string; examples?: unknown[]; properties?: Record<string, Schema>; items?: Schema }

let text = ''
let document: OpenAPIV3_1.Document

beforeAll(async () => {
  text = await openapiText()
  document = JSON.parse(text)
})

function operations() {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item ?? {}).map(([method, operation]) => ({
      name: `${method} ${path}`,
      operation: operation as OpenAPIV3_1.OperationObject,
    })),
  )
}

function resolve(schema: Schema): Schema {
  const name = schema.$ref?.split('/').at(-1)
  return name === undefined ? schema : (document.components?.schemas?.[name] as Schema)
}

describe('openapi/openapi.json', () => {
  test('is what the routes say: run npm run openapi', async () => {
    expect(await readFile(`${import.meta.dirname}/../../../openapi/openapi.json`, 'utf8')).toBe(text)
  })

  test('requires a body where the operation does not do without', () => {
    const required = operations().flatMap(({ operation: { operationId, requestBody } }) =>
      requestBody === undefined || '$ref' in requestBody ? [] : [[operationId, requestBody.required]],
    )
    expect(Object.fromEntries(required)).toMatchObject({ createBackup: false, createAddon: true })
  })

  test('comes out the same each time', async () => {
    expect(await openapiText()).toBe(text)
  })

  test('is served, and people can read it at /docs', async () => {
    const { app } = unwiredServer()
    expect((await app.inject('/openapi.json')).json()).toEqual(document)
    expect((await app.inject('/docs/')).headers['content-type']).toMatch(/^text\/html/)
  })
})

describe('every operation', () => {
  test('has an id of its own, a summary, a tag, and says whose key it takes', () => {
    const ids = operations().map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { name, operation } of operations()) {
      expect(operation.operationId, name).toMatch(/^[a-z][A-Za-z]+$/)
      expect(operation.summary, name).toBeTruthy()
      expect(operation.tags, name).toHaveLength(1)
      expect(operation.security?.length, name).toBeGreaterThan(0)
    }
  })

  test('lists the problems that can follow', () => {
    for (const { name, operation } of operations()) {
      const expected = ['401', '500']
      if (name.includes('{')) expected.push('404')
      if (operation.requestBody !== undefined) expected.push('400', '413', '415')
      expect(Object.keys(operation.responses ?? {}), name).toEqual(expect.arrayContaining(expected))
      const problems = Object.entries(operation.responses ?? {}).filter(([status]) => status >= '400')
      for (const [status, problem] of problems) {
        expect(problem, `${name} ${status}`).toHaveProperty(['content', 'application/problem+json'])
      }
    }
  })

  test('shows an example of what it takes and of what it answers', () => {
    for (const { name, operation } of operations()) {
      const bodies = Object.entries(operation.responses ?? {})
        .filter(([status]) => status < '300' && status !== '204')
        .map(([, response]) => response)
      if (operation.requestBody !== undefined) bodies.push(operation.requestBody as (typeof bodies)[number])
      for (const body of bodies) {
        const { content } = body as { content: Record<string, { schema: Schema }> }
        const schema = resolve(Object.values(content)[0]?.schema ?? {})
        const item = schema.properties?.['data']?.items
        expect(resolve(item ?? schema).examples?.length, name).toBeGreaterThan(0)
      }
    }
  })
})
