import { z } from 'zod'
import { type IdKind, isId } from '../../domain/ids.ts'
import { parseMoment } from '../../domain/moment.ts'
import { momentText } from '../../domain/target.ts'
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
    createdAfter: momentText.optional().describe('Only what was created later; + is %2B in a URL'),
    createdBefore: momentText.optional().describe('Only what was created earlier'),
  }
}

interface PageQuery {
  limit: number
  cursor?: string | undefined
  createdAfter?: string | undefined
  createdBefore?: string | undefined
  status?: string | undefined
}

export function sliceOf({ limit, cursor, createdAfter, createdBefore, status }: PageQuery): Slice {
  const moment = (text: string | undefined) => (text === undefined ? undefined : (parseMoment(text) ?? text))
  const created = { createdAfter: moment(createdAfter), createdBefore: moment(createdBefore) }
  return { limit, after: cursor, ...created, status }
}

export function pageSchema<Item extends z.ZodType>(id: string, item: Item) {
  return z
    .object({ data: z.array(item), nextCursor: z.string().nullable().describe('Null on the last page') })
    .meta({ id })
}
