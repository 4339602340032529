import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readBackups } from '../../../services/read-backups.ts'
import { addonParams } from '../../schemas/addon.ts'
import { backupSchema } from '../../schemas/backup.ts'
import { pageQuery, pageSchema, sliceOf } from '../../schemas/page.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

const querystring = z.strictObject({ ...pageQuery('backup'), status: backupSchema.shape.status.optional() })

/** GET /v1/addons/:addonId/backups */
export const listBackupsRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/addons/:addonId/backups',
    {
      schema: {
        operationId: 'listBackups',
        summary: 'List the base backups of an add-on',
        tags: ['Backups'],
        security: needs('addons:read'),
        params: addonParams,
        querystring,
        response: { 200: pageSchema('BackupPage', backupSchema), ...problems(400, 401, 404, 409, 500) },
      },
    },
    (request) => readBackups(request.deps, request.caller, request.params.addonId, sliceOf(request.query)),
  )
}
