import { z } from 'zod'
import { positionOfEvent } from '../../domain/event-id.ts'
import { type EventType, eventData, eventTypes, isEventFilter } from '../../domain/events.ts'
import { parseMoment } from '../../domain/moment.ts'
import { idOfCursor } from '../../services/page.ts'
import { moment } from './text.ts'

const example = {
  id: 'evt_000000001kq',
  type: 'restore.progress',
  tenantId: 'tnt_01kas0d8w8e5h9xw2c5a9t7b3k',
  resourceId: 'rst_01kas0d8w8e5h9xw2c5a9t7b3k',
  createdAt: '2026-11-23T14:02:03.123456Z',
  data: {
    restoreId: 'rst_01kas0d8w8e5h9xw2c5a9t7b3k',
    addonId: 'addon_01kas0d8w8e5h9xw2c5a9t7b3k',
    phase: 'replaying',
    percent: 62,
    bytesDone: 31_457_280,
    bytesTotal: 31_457_280,
    walDone: 12,
    walTotal: 98,
    replayedTo: '2026-11-23T13:21:07.004211Z',
    etaSeconds: 6,
  },
}

/** `restore-point.archived` as `RestorePointArchivedEvent`. */
const nameOf = (type: EventType) =>
  `${type.replace(/(^|[.-])(\w)/g, (_, _before, letter: string) => letter.toUpperCase())}Event`

const variants = eventTypes.map((type) =>
  z
    .object({
      id: z.string().describe('Sorts as text in the order of events; the same wherever the event is told'),
      type: z.literal(type),
      tenantId: z.string().nullable().describe('Null for what happened to something of the platform itself'),
      resourceId: z.string().describe('What the event is about'),
      createdAt: moment,
      data: eventData[type],
    })
    .meta({ id: nameOf(type) }),
)

export const eventSchema = z.discriminatedUnion('type', variants as [(typeof variants)[number]]).meta({
  id: 'Event',
  description: 'What has happened. There will be further types, and further fields in data.',
  examples: [example],
})

const eventFilter = z
  .string()
  .refine(isEventFilter, 'must be a type of event, or the part before its dot and *')

/** An RFC 3339 moment in a query. */
export const momentParameter = z
  .string()
  .transform((text, context) => {
    const parsed = parseMoment(text)
    if (parsed !== null) return parsed
    context.addIssue('must be RFC 3339 with an offset')
    return z.NEVER
  })
  .meta({ format: 'date-time' })

const position = (fault: string) =>
  z.string().transform((text, context) => {
    const found = positionOfEvent(text)
    if (found !== null) return found
    context.addIssue(fault)
    return z.NEVER
  })

export const eventPosition = position('must be the id of an event')

/** What a page of events ends with. */
export const eventCursor = z
  .string()
  .transform(idOfCursor)
  .pipe(position('must be the nextCursor of an earlier page'))

/** Which events are wanted, of those that the key may see. */
export const eventFilters = {
  tenantId: z.string().optional(),
  addonId: z
    .string()
    .optional()
    .describe('The add-on itself, its backups, restores, restore points, drills and credentials'),
  resourceId: z
    .string()
    .regex(/^[\w-]{1,100}$/, 'must be an id')
    .optional()
    .describe('What the events are about'),
  type: z
    .preprocess((given) => (typeof given === 'string' ? [given] : given), z.array(eventFilter))
    .optional()
    .describe('A type, or all those of a kind of resource (`restore.*`); any of several'),
}
