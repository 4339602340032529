import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { requestBackup } from '../../../services/request-backup.ts'
import { addonParams } from '../../schemas/addon.ts'
import { backupSchema, backupType } from '../../schemas/backup.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

const body = z
  .strictObject({ type: backupType.optional().describe('full where it is left out') })
  .meta({ id: 'NewBackup', examples: [{ type: 'incremental' }] })
  .optional()

/** POST /v1/addons/:addonId/backups */
export const createBackupRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/addons/:addonId/backups',
    {
      schema: {
        operationId: 'createBackup',
        summary: 'Take a base backup',
        tags: ['Backups'],
        security: needs('backups:write'),
        params: addonParams,
        body,
        response: { 202: backupSchema, ...problems(400, 401, 404, 409, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const backup = await requestBackup(
        request.deps,
        request.caller,
        request.params.addonId,
        request.body?.type ?? 'full',
      )
      return reply.code(202).header('location', `/v1/backups/${backup.id}`).send(backup)
    },
  )
}
