import { z } from 'zod'

// What the data of events is made of. Moments are RFC 3339 in UTC, with microseconds.

export const id = z.string()
export const moment = z.string().meta({ format: 'date-time' })

export const failure = z.object({ code: z.string(), title: z.string(), detail: z.string().optional() })

export const addon = { addonId: id }
export const backup = { backupId: id, addonId: id }
export const restorePoint = { restorePointId: id, addonId: id }
export const drill = { drillId: id, addonId: id }
export const restore = { restoreId: id, addonId: id.describe('The source') }
export const credential = { credentialId: id, addonId: id }
export const credentialNature = {
  name: z.string(),
  access: z.enum(['owner', 'read-write', 'read-only']),
}
export const webhookEndpoint = { webhookEndpointId: id }
export const certificateAuthority = { certificateAuthorityId: id }
export const apiKey = {
  apiKeyId: id,
  name: z.string(),
  scopes: z.array(z.string()),
  expiresAt: moment.nullable(),
  replacedBy: id.nullable().describe('The key that was made when this one was rotated'),
}

export const backupType = z.enum(['full', 'differential', 'incremental'])

export const restoreTarget = z.union([
  z.object({ time: moment }),
  z.object({ latest: z.literal(true) }),
  z.object({ lsn: z.string() }),
  z.object({ xid: z.string() }),
  z.object({ name: z.string() }),
])

export const restorePhase = z.enum(['anchoring', 'fetching', 'replaying', 'securing', 'done'])

export const reached = z.object({
  time: moment.nullable(),
  lsn: z.string(),
  xid: z.string().nullable(),
  timeline: z.int(),
  exact: z.boolean(),
  reason: z.literal('end_of_wal').nullable(),
})

export const walGap = z.object({
  afterSegment: z.string(),
  beforeSegment: z.string().nullable(),
  missingSegments: z.int(),
  from: moment,
  to: moment.nullable(),
})

export const drillResult = {
  ...drill,
  rtoSeconds: z.number().nullable(),
  rpoSeconds: z.number().nullable(),
  checks: z.array(z.object({ name: z.string(), passed: z.boolean() })),
  failure: failure.nullable(),
}

export const restoreResult = {
  ...restore,
  childAddonId: id,
  reached: reached.nullable(),
  failure: failure.nullable(),
}

export const storageKeyNames = {
  readWriteAccessKeyId: z.string().nullable(),
  readOnlyAccessKeyId: z.string().nullable(),
}

/** What was given to be changed, as it was given. */
export const change = z.record(z.string(), z.unknown())
