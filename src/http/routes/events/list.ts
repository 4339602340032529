import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readEvents } from '../../../services/read-events.ts'
import {
  eventCursor,
  eventFilters,
  eventPosition,
  eventSchema,
  momentParameter,
} from '../../schemas/event.ts'
import { pageSchema } from '../../schemas/page.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

const querystring = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: eventCursor.optional().meta({ description: 'The nextCursor of the page before' }),
  after: eventPosition.optional().meta({ description: 'Only events behind the one with that id' }),
  ...eventFilters,
  createdAfter: momentParameter.optional(),
  createdBefore: momentParameter.optional(),
})

const description = `In the order in which they are told everywhere, the oldest that is kept first. An event that can be read is
never followed by one that stands before it, so \`after\` with the id of the last event misses nothing.`

/** GET /v1/events */
export const listEventsRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/events',
    {
      schema: {
        operationId: 'listEvents',
        summary: 'List events',
        description,
        tags: ['Events'],
        security: needs('addons:read'),
        querystring,
        response: {
          200: pageSchema('EventPage', eventSchema),
          ...problems(400, 401, 403, 404, 410, 500, 503),
        },
      },
    },
    ({ deps, caller, query }) => {
      const { limit, cursor, after, type: types, ...filter } = query
      const page = { limit, after: cursor ?? after }
      return readEvents(deps, caller, { ...filter, types }, page) as never
    },
  )
}
