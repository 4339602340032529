import { z } from 'zod'
import { type IdKind, isId } from '../../domain/ids.ts'
import { idOfCursor, type Slice } from '../../services/page.ts'

/** The query parameters that every list has; the cursor comes from `nextCursor` of the page before. */
export function pageQuery(kind: IdKind) {
  const cursor = z
    .string()
    .transform(idOfCursor)
    .refine((id) => isId(kind, id), 'must be the nextCursor of an earlier page')
  return {
    limit: z.coerce.number().int().min(1).max(200).default(50),
    cursor: cursor.optional().meta({ description: 'The nextCursor of the page before' }),
  }
}

export function sliceOf({ limit, cursor }: { limit: number; cursor?: string | undefined }): Slice {
  return { limit, after: cursor }
}

export function pageSchema<Item extends z.ZodType>(id: string, item: Item) {
  return z
    .object({ data: z.array(item), nextCursor: z.string().nullable().describe('Null on the last page') })
    .meta({ id })
}
