import { resolve } from 'node:path'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import {
  backupPolicySchema,
  type CompleteBackupPolicy,
  DEFAULT_POLICY,
  effectivePolicy,
  faultsOf,
} from '../domain/backup-policy.ts'
import { limitVariables } from './limits.ts'

const number = (min: number, max: number) => z.coerce.number().int().min(min).max(max)

const masterKey = z
  .base64()
  .refine((key) => Buffer.from(key, 'base64').length === 32, 'must be 32 bytes in base64')
  .transform((key) => Buffer.from(key, 'base64'))

const masterKeys = z
  .string()
  .transform((text) => text.split(',').map((key) => key.trim()))
  .pipe(z.array(masterKey))

const policy = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown
    } catch {
      context.addIssue('must be JSON')
      return z.NEVER
    }
  })
  .pipe(backupPolicySchema)
  .transform((given, context): CompleteBackupPolicy => {
    const complete = effectivePolicy(DEFAULT_POLICY, given)
    for (const { field, detail } of faultsOf(given, complete)) context.addIssue(`${field} ${detail}`)
    return complete
  })

const networks = z
  .string()
  .transform((text) => text.split(',').map((network) => network.trim()))
  .pipe(z.array(z.string().refine((text) => ipaddr.isValidCIDR(text), 'must be networks in CIDR notation')))

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

const storageKeyPart = z.string().regex(/^[!-~]+$/, 'must be printable ASCII characters without spaces')

/** Whether an endpoint says nothing that pgBackRest, which is told host and port, would not hear of. */
function isHostAlone(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && url.href === `${url.origin}/`
}

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
  UNDROP_OLD_MASTER_KEYS: masterKeys
    .optional()
    .describe('Further master keys, joined by commas: they open what they have sealed, and seal nothing'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .optional()
    .describe('PostgreSQL for the metadata; a private cluster under the data directory where it is not set'),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/ })
    .optional()
    .describe('Redis for BullMQ; the metadata database where it is not set'),
  S3_ENDPOINT: z
    .url({ protocol: /^https$/ })
    .refine(isHostAlone, 'must have no user, path, query or fragment')
    .optional()
    .describe('Object store for the archives, by HTTPS; AWS where only `S3_BUCKET` is set'),
  S3_REGION: z.string().min(1).default('us-east-1').describe('Its region'),
  S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket')
    .optional()
    .describe('Bucket for the archives; they are kept under the data directory where it is not set'),
  S3_ACCESS_KEY_ID: storageKeyPart.optional().describe('Key that may list, read, write and delete there'),
  S3_SECRET_ACCESS_KEY: storageKeyPart.optional().describe('Its secret'),
  S3_PREFIX: z
    .string()
    .regex(/^[\w.-]+(\/[\w.-]+)*$/, 'must be names joined by slashes')
    // Clients of object stores disagree on what such a part means.
    .refine((text) => !text.split('/').some((part) => part === '.' || part === '..'), 'must not have . or ..')
    .optional()
    .describe('Where in the bucket the archives are'),
  S3_FORCE_PATH_STYLE: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .describe('`true` where the bucket is not a part of the host name (MinIO, Ceph)'),
  S3_CA_FILE: z
    .string()
    .transform((path) => resolve(path))
    .optional()
    .describe('PEM file of the authorities to trust; those of the system where it is not set'),
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
  UNDROP_BACKUPS_MAX: number(1, 1000).default(4).describe('Base backups that run on one host at a time'),
  UNDROP_BACKUP_POLICY: policy
    .default(DEFAULT_POLICY)
    .describe('Backup policy, as JSON, of tenants and add-ons that have none of their own'),
  UNDROP_SURVEY_SECONDS: number(1, 86_400)
    .default(600)
    .describe('How often the files of each archive are listed, to find gaps and measure them'),
  UNDROP_EVENTS_KEPT_DAYS: number(1, 3650).default(30).describe('For how many days events can be read'),
  UNDROP_WEBHOOK_ALLOWED_NETWORKS: networks
    .default([])
    .describe('Networks, as CIDR joined by commas, that webhooks may go to although they are not public'),
  UNDROP_WEBHOOK_ALLOW_HTTP: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .describe('`true` where webhooks may go to `http:` URLs, which anybody on the way can read'),
  UNDROP_WEBHOOK_CA_FILE: z
    .string()
    .transform((path) => resolve(path))
    .optional()
    .describe('PEM file of the authorities to trust with webhooks; those of Node.js where it is not set'),
  ...limitVariables,
  SHUTDOWN_DELAY_SECONDS: number(0, 600)
    .default(0)
    .describe('How long the API goes on serving, not ready any more, before a stop begins'),
  SHUTDOWN_GRACE_SECONDS: number(1, 600)
    .default(20)
    .describe('Time that running requests and turns are given at a stop'),
  UNDROP_WORKER_METRICS_PORT: number(0, 65_535)
    .optional()
    .describe('TCP port of `/metrics`, `/healthz` and `/readyz` of a worker; none where it is not set'),
  UNDROP_WORKER_METRICS_HOST: z.string().default('127.0.0.1').describe('Address of that port'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Where traces are sent by OTLP over HTTP; nowhere where it is not set'),
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
  const result = environment.superRefine(s3IsWhole).safeParse(env)
  if (result.success) return Object.freeze(result.data)
  const faults = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`)
  throw new Error(`The environment is not valid:\n${faults.join('\n')}`)
}

/** A bucket without keys, or anything about a bucket without one, is an oversight. */
function s3IsWhole(config: z.infer<typeof environment>, context: z.RefinementCtx): void {
  const names = ['S3_BUCKET', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'] as const
  const further = ['S3_ENDPOINT', 'S3_PREFIX', 'S3_CA_FILE'] as const
  const given = [...names, ...further].filter((name) => config[name] !== undefined)
  if (given.length === 0) return
  for (const name of names) {
    if (config[name] === undefined)
      context.addIssue({ code: 'custom', path: [name], message: `is needed with ${given.join(', ')}` })
  }
}
