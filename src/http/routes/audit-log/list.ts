import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { idOfCursor } from '../../../services/page.ts'
import { numberOfEntry, readAuditLog } from '../../../services/read-audit-log.ts'
import { auditEntrySchema } from '../../schemas/audit-entry.ts'
import { momentParameter } from '../../schemas/event.ts'
import { pageSchema } from '../../schemas/page.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

const cursor = z.string().transform((text, context) => {
  const number = numberOfEntry(idOfCursor(text))
  if (number !== null) return number
  context.addIssue('must be the nextCursor of an earlier page')
  return z.NEVER
})

/** Like every text that is looked for, none that PostgreSQL cannot hold. */
const text = z.string().regex(/^[\w.-]{1,100}$/, 'must have 1 to 100 of letters, digits, ., _ and -')

const querystring = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: cursor.optional().meta({ description: 'The nextCursor of the page before' }),
  tenantId: z.string().optional(),
  action: text.optional().meta({ examples: ['addon.reveal-credentials'] }),
  resourceId: text.optional(),
  apiKeyId: z.string().optional(),
  createdAfter: momentParameter.optional(),
  createdBefore: momentParameter.optional(),
})

/** GET /v1/audit-log */
export const listAuditLogRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/audit-log',
    {
      schema: {
        operationId: 'listAuditLog',
        summary: 'List what was done, and by whom',
        description: `Every change and every secret that was revealed, the newest first. A tenant sees what was done to it, by its own
keys and by the platform.`,
        tags: ['Audit log'],
        security: needs('audit:read'),
        querystring,
        response: {
          200: pageSchema('AuditPage', auditEntrySchema),
          ...problems(400, 401, 403, 404, 500),
        },
      },
    },
    ({ deps, caller, query: { limit, cursor: before, ...filter } }) =>
      readAuditLog(deps, caller, filter, { before, limit }),
  )
}
