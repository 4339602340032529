import { finished } from 'node:stream'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { STREAM_SCOPES, streamEvents } from '../../../services/stream-events.ts'
import { eventStreamBody } from '../../event-stream.ts'
import { eventFilters, eventPosition, eventSchema } from '../../schemas/event.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

const querystring = z.strictObject({
  after: eventPosition.optional().meta({
    description: 'The id to go on behind, for clients that cannot send Last-Event-ID, which goes first',
  }),
  ...eventFilters,
})

const headers = z.looseObject({
  'last-event-id': eventPosition.optional().meta({ description: 'The last id of an earlier stream' }),
})

const description = `Server-sent events, as they come: each with \`id\`, \`event\` (its type) and \`data\` (the event, as in the
list). A stream that is taken up with \`Last-Event-ID\` goes on behind that event: none is missing and none comes twice, whichever
process answers. Without it, it begins with now. Every so often there is an \`id\` without data, which can be gone on from as well.
Streams end after a while, when the process does, and when the key does; clients reconnect.`

/** GET /v1/events/stream */
export const streamEventsRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/events/stream',
    {
      config: { longLived: true },
      schema: {
        operationId: 'streamEvents',
        summary: 'Follow events',
        description,
        tags: ['Events'],
        security: needs(...STREAM_SCOPES),
        querystring,
        headers,
        response: {
          200: {
            description: 'The events',
            content: { 'text/event-stream': { schema: eventSchema } },
          },
          ...problems(400, 401, 403, 404, 410, 429, 500, 503),
        },
      },
      serializerCompiler: () => JSON.stringify,
    },
    async ({ deps, caller, query, headers }, reply) => {
      const { after, type: types, ...filter } = query
      const wanted = { ...filter, types }
      const { items, stream } = await streamEvents(deps, caller, wanted, headers['last-event-id'] ?? after)
      const body = eventStreamBody(items, stream.signal)
      // Not when the body closes: that waits for the next item, of which there may be none for long. The client may have
      // gone already.
      finished(reply.raw, () => {
        stream.end()
        stream.closed()
      })
      void reply.header('cache-control', 'no-store').header('x-accel-buffering', 'no')
      return reply.type('text/event-stream').send(body as never)
    },
  )
}
