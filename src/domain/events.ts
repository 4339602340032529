import { z } from 'zod'
import {
  addon,
  apiKey,
  backup,
  backupType,
  certificateAuthority,
  change,
  credential,
  credentialNature,
  drill,
  drillResult,
  failure,
  id,
  moment,
  restore,
  restorePhase,
  restorePoint,
  restoreResult,
  restoreTarget,
  storageKeyNames,
  walGap,
  webhookEndpoint,
} from './event-data.ts'
import { DISABLED_REASONS } from './webhook.ts'

const withFailure = { failure: failure.optional() }

/**
 * Every type of event there is, and what its data is: ids and public facts, never a secret. The part before the dot is
 * the resource that the event is about; an archive's is its add-on. Data may be given further fields, and none is taken
 * away or changes its meaning.
 */
export const eventData = {
  'tenant.created': z.object({ name: z.string() }),
  'tenant.updated': z.object({ change }),
  'tenant.deleted': z.object({}),
  'tenant.storage-keys-set': z.object(storageKeyNames),
  'tenant.storage-keys-removed': z.object({}),

  'api-key.created': z.object(apiKey),
  'api-key.updated': z.object(apiKey),
  'api-key.rotated': z.object(apiKey),
  'api-key.revoked': z.object(apiKey),

  'addon.created': z.object({
    ...addon,
    name: z.string(),
    restoredFrom: z.object({ addonId: id, restoreId: id }).optional(),
  }),
  'addon.updated': z.object({ ...addon, change }),
  'addon.available': z.object(addon),
  'addon.failed': z.object({ ...addon, ...withFailure }),
  'addon.protected': z.object({ ...addon, backupId: id.optional() }),
  'addon.stalled': z.object({
    ...addon,
    code: z.string().describe('What keeps the add-on from being brought back to every moment'),
    detail: z.string(),
    since: moment,
  }),
  'addon.deleting': z.object(addon),
  'addon.deleted': z.object({
    ...addon,
    archiveComplete: z.boolean().optional().describe('Whether everything that was committed is archived'),
  }),

  'credential.created': z.object({ ...credential, ...credentialNature }),
  'credential.active': z.object(credential),
  'credential.rotating': z.object({ ...credential, ...credentialNature, overlapSeconds: z.number() }),
  'credential.rotated': z.object({ ...credential, oldLoginUntil: moment }),
  'credential.old-login-ended': z.object(credential),
  'credential.deleting': z.object({ ...credential, ...credentialNature }),
  'credential.deleted': z.object(credential),

  'archive.gap-found': z.object({ ...addon, gap: walGap }),
  'archive.kept': z.object({ ...addon, keptUntil: moment }),
  'archive.purged': z.object(addon),

  'backup.queued': z.object({ ...backup, type: backupType }),
  'backup.running': z.object(backup),
  'backup.succeeded': z.object(backup),
  'backup.failed': z.object({ ...backup, ...withFailure }),
  'backup.cancelled': z.object({ ...backup, ...withFailure }),
  'backup.damaged': z.object({ ...backup, label: z.string().nullable() }),
  'backup.expired': z.object(backup),

  'restore.queued': z.object({ ...restore, childAddonId: id, target: restoreTarget }),
  'restore.cancelling': z.object({ ...restore, childAddonId: id }),
  'restore.phase': z.object({ ...restore, phase: restorePhase }),
  'restore.progress': z.object({
    ...restore,
    phase: restorePhase.nullable(),
    percent: z.number().describe('0 to 100 over the whole restore'),
    bytesDone: z.number(),
    bytesTotal: z.number().nullable(),
    walDone: z.number().describe('WAL segments'),
    walTotal: z.number().nullable(),
    replayedTo: moment.nullable(),
    etaSeconds: z.number().nullable(),
  }),
  'restore.succeeded': z.object(restoreResult),
  'restore.failed': z.object(restoreResult),
  'restore.cancelled': z.object(restoreResult),

  'restore-point.queued': z.object({ ...restorePoint, name: z.string() }),
  'restore-point.archived': z.object({ ...restorePoint, lsn: z.string() }),
  'restore-point.failed': z.object({ ...restorePoint, failure }),

  'drill.queued': z.object({ ...drill, scheduled: z.boolean() }),
  'drill.running': z.object(drill),
  'drill.succeeded': z.object(drillResult),
  'drill.failed': z.object(drillResult),
  'drill.cancelled': z.object(drillResult),

  'webhook-endpoint.created': z.object({ ...webhookEndpoint, host: z.string() }),
  'webhook-endpoint.updated': z.object({
    ...webhookEndpoint,
    changed: z.array(z.string()).describe('The names of the fields that were given'),
    enabled: z.boolean(),
  }),
  'webhook-endpoint.secret-rotated': z.object({ ...webhookEndpoint, earlierSignUntil: moment }),
  'webhook-endpoint.disabled': z.object({
    ...webhookEndpoint,
    host: z.string(),
    reason: z.enum(DISABLED_REASONS),
  }),
  'webhook-endpoint.deleted': z.object(webhookEndpoint),

  'certificate-authority.added': z.object(certificateAuthority),
  'certificate-authority.used': z.object(certificateAuthority),
  'certificate-authority.retired': z.object(certificateAuthority),

  'operation.failed': z.object({ operationId: id, ...addon, kind: z.string(), failure: failure.nullable() }),
} as const satisfies Record<string, z.ZodObject>

export type EventType = keyof typeof eventData
export type EventData<Type extends EventType> = z.infer<(typeof eventData)[Type]>

export const eventTypes = Object.keys(eventData) as readonly EventType[]

/** Whether a filter can find anything: a type of event, or `<resource>.*` for all those of a kind of resource. */
export function isEventFilter(text: string): boolean {
  const prefix = text.endsWith('.*') ? text.slice(0, -1) : null
  return eventTypes.some((type) => (prefix === null ? type === text : type.startsWith(prefix)))
}

/** Which of the ids in the data the event is about. */
export function resourceOf(type: EventType, tenantId: string | null, data: Record<string, unknown>): string {
  const [resource = ''] = type.split('.', 1)
  if (resource === 'tenant' && tenantId !== null) return tenantId
  const field = `${resource.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}Id`
  const found = data[resource === 'archive' ? 'addonId' : field]
  if (typeof found !== 'string') throw new Error(`an event ${type} has no ${field}`)
  return found
}
