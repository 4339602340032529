import { type $ZodType, safeParse } from 'zod/v4/core'

interface Document {
  paths?: Record<string, Record<string, { operationId?: string; requestBody?: { required?: boolean } }>>
}

/** Swagger takes every body for required; these are the operations whose schema does without. */
export function optionalBodies() {
  const operationIds = new Set<string>()
  return {
    note({ operationId, body }: { operationId?: string; body?: unknown }): void {
      if (operationId !== undefined && body !== undefined && safeParse(body as $ZodType, undefined).success)
        operationIds.add(operationId)
    },

    /** The document with those bodies optional. */
    applyTo<Description extends object>(document: Description): Description {
      for (const operations of Object.values((document as Document).paths ?? {})) {
        for (const { operationId = '', requestBody } of Object.values(operations)) {
          if (requestBody !== undefined && operationIds.has(operationId)) requestBody.required = false
        }
      }
      return document
    },
  }
}
