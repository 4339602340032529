import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readBackup } from '../../../services/read-backups.ts'
import { backupSchema } from '../../schemas/backup.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** GET /v1/backups/:backupId */
export const getBackupRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/backups/:backupId',
    {
      schema: {
        operationId: 'getBackup',
        summary: 'Get a base backup',
        tags: ['Backups'],
        security: needs('addons:read'),
        params: z.object({ backupId: z.string() }),
        response: { 200: backupSchema, ...problems(401, 404, 500) },
      },
    },
    (request) => readBackup(request.deps, request.caller, request.params.backupId),
  )
}
