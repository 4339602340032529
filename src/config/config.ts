import { resolve } from 'node:path'
import { z } from 'zod'

const number = (min: number, max: number) => z.coerce.number().int().min(min).max(max)

const masterKey = z
  .base64()
  .refine((key) => Buffer.from(key, 'base64').length === 32, 'must be 32 bytes in base64')
  .transform((key) => Buffer.from(key, 'base64'))

const portRange = z
  .string()
  .regex(/^\d{1,5}-\d{1,5}$/, 'must be two ports joined by a hyphen')
  .transform((text) => {
    const [first = 0, last = 0] = text.split('-').map(Number)
    return { first, last }
  })
  .refine(
    ({ first, last }) => first > 1023 && first <= last && last <= 65_535,
    'must rise and lie within 1024-65535',
  )

/** Every variable that Undrop reads. The README's table is tested against this. */
export const environment = z.object({
  PORT: number(0, 65_535).default(8080).describe('TCP port of the HTTP API'),
  HOST: z.string().default('127.0.0.1').describe('Address the HTTP API listens on'),
  UNDROP_DATA_DIR: z
    .string()
    .default('.undrop')
    .transform((path) => resolve(path))
    .describe('Where the embedded default keeps everything'),
  UNDROP_PLATFORM_KEY: z
    .string()
    .regex(/^udk_[\w-]{32,}$/, 'must be udk_ and at least 32 letters, digits, _ or -')
    .optional()
    .describe('The platform API key; one is made and left in `<data dir>/platform-key` where it is not set'),
  UNDROP_MASTER_KEY: masterKey
    .optional()
    .describe(
      '32 bytes in base64 that seal secrets; one is made and left in `<data dir>/master-key` where it is not set',
    ),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .optional()
    .describe('PostgreSQL for the metadata; a private cluster under the data directory where it is not set'),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/ })
    .optional()
    .describe('Redis for BullMQ; the metadata database where it is not set'),
  UNDROP_OS_USER: z
    .string()
    .default('postgres')
    .describe('OS user that PostgreSQL and pgBackRest run as when Undrop runs as root'),
  UNDROP_PORT_RANGE: portRange.prefault('20000-29999').describe('Ports for add-on servers'),
  UNDROP_LISTEN_ADDRESSES: z.string().default('127.0.0.1').describe('`listen_addresses` of add-on servers'),
  UNDROP_ENDPOINT_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('Host name that clients reach add-on servers by'),
  UNDROP_WORKER_CONCURRENCY: number(1, 1000).default(16).describe('Turns that one worker takes at a time'),
  UNDROP_LEASE_SECONDS: number(1, 600)
    .default(15)
    .describe('How long a worker that stopped answering keeps its work from others'),
  UNDROP_BACKUP_PROCESSES: number(1, 64).default(2).describe('`process-max` of pgBackRest'),
  SHUTDOWN_GRACE_SECONDS: number(1, 600)
    .default(20)
    .describe('Time that running requests and turns are given at a stop'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least severe level that is logged'),
})

export type Config = Readonly<z.infer<typeof environment>>

/**
 * Reads the environment, once, in the files of `src/bin`. Everything else is handed the part it needs.
 * @throws Error that lists every variable at fault and never echoes a value
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const result = environment.safeParse(env)
  if (result.success) return Object.freeze(result.data)
  const faults = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`)
  throw new Error(`The environment is not valid:\n${faults.join('\n')}`)
}
