import { z } from 'zod'
import { PROBLEM_MEDIA_TYPE } from '../problem-document.ts'

export const problemSchema = z
  .looseObject({
    type: z
      .string()
      .meta({ format: 'uri' })
      .describe('Stable for each kind of problem, and the address of its page'),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    instance: z.string().describe('Id of the request'),
    errors: z
      .array(
        z.object({
          pointer: z.string().optional().describe('JSON pointer to the field of the body at fault'),
          parameter: z.string().optional().describe('Name of the query parameter at fault'),
          header: z.string().optional().describe('Name of the request header at fault'),
          detail: z.string(),
        }),
      )
      .optional(),
  })
  .meta({
    id: 'Problem',
    description: 'RFC 9457 problem details; some types add members of their own',
    examples: [
      {
        type: 'https://undrop.dev/problems/addon-not-found',
        title: 'Add-on not found',
        status: 404,
        instance: '0b0e8d4e-2f7c-4d4e-9a53-0d0b6f7a8c11',
      },
    ],
  })

const MEANINGS = {
  400: 'The request is not valid',
  401: 'The API key is missing or not valid',
  403: 'The API key does not allow this',
  404: 'Not found, or of another tenant',
  409: 'The state of the resource does not allow this',
  410: 'What is asked for is kept no longer',
  412: 'The resource is not what If-Match says',
  413: 'The body is too large',
  415: 'The body is not JSON',
  422: 'The request is valid, but cannot be met',
  429: 'Too much at a time: wait as long as Retry-After says',
  500: 'Internal error',
  503: 'Not ready, or something that is needed does not answer',
  507: 'The disk has too little space left',
} as const

/** Every operation may be asked too often, or while something that it needs is away. */
const ALWAYS = [429, 503] as const

type Always = (typeof ALWAYS)[number]
type Status = keyof typeof MEANINGS
type Entry = {
  description: string
  content: { 'application/problem+json': { schema: typeof problemSchema } }
}

/**
 * Response entries for the problems an operation can answer with, in `schema.response`. Where a key can be missing, it
 * can also be one that does not do.
 */
export function problems<const Listed extends Status>(...statuses: Listed[]): Record<Listed | Always, Entry> {
  const entry = (status: Status) => [
    status,
    { description: MEANINGS[status], content: { [PROBLEM_MEDIA_TYPE]: { schema: problemSchema } } },
  ]
  const all: Status[] = statuses.some((status) => status === 401) ? [...statuses, 403] : [...statuses]
  return Object.fromEntries([...all, ...ALWAYS].map(entry))
}
