import { newId } from '../../../../src/domain/ids.ts'
import type { Api, Client } from '../test-api.ts'
import { activeCredential, completeBackup, webhookEndpoint } from '../test-api.ts'

/** What there is when one of each kind is made for a tenant. */
export interface Estate {
  api: Api
  tenantId: string
  /** With a key of the tenant that may do everything a tenant's key can. */
  client: Client
  addon: { id: string; tenant_id: string; server_id: string }
  /** What has been made so far. */
  ids?: Readonly<Record<string, string>>
  /** The id of what that request makes. */
  made: (client: Client, path: string, body: object) => Promise<string>
}

interface Kind {
  /** An id of the kind that nothing has. */
  unknown: () => string
  /** The id of one that the tenant has. */
  of: (estate: Estate) => string | Promise<string>
}

const V1 = '/v1'

/**
 * What the ids in paths, queries and bodies name, by the name of the parameter or field (`addonIds` are many of
 * `addonId`). A tenant of the ground gets one of each, in this order.
 */
export const KINDS: Readonly<Record<string, Kind>> = {
  tenantId: { unknown: () => newId('tenant'), of: ({ tenantId }) => tenantId },
  apiKeyId: {
    unknown: () => newId('apiKey'),
    of: ({ made, client, tenantId }) =>
      made(client, `${V1}/tenants/${tenantId}/api-keys`, { name: 'ground' }),
  },
  platformKeyId: {
    unknown: () => newId('apiKey'),
    of: ({ made, api }) => made(api.platform, `${V1}/platform-keys`, { name: 'ground' }),
  },
  addonId: { unknown: () => newId('addon'), of: ({ addon }) => addon.id },
  // Names a thing of any kind; those of the other kinds are tried in wall.test.ts.
  resourceId: { unknown: () => newId('addon'), of: ({ addon }) => addon.id },
  backupId: { unknown: () => newId('backup'), of: ({ api, addon }) => completeBackup(api.db, addon) },
  restoreId: {
    unknown: () => newId('restore'),
    of: ({ made, client, addon }) =>
      made(client, `${V1}/addons/${addon.id}/restores`, { target: { latest: true } }),
  },
  restorePointId: {
    unknown: () => newId('restorePoint'),
    of: ({ made, client, addon }) =>
      made(client, `${V1}/addons/${addon.id}/restore-points`, { name: 'before-upgrade' }),
  },
  drillId: {
    unknown: () => newId('drill'),
    of: ({ made, client, addon }) => made(client, `${V1}/addons/${addon.id}/drills`, {}),
  },
  credentialId: {
    unknown: () => newId('credential'),
    of: ({ api, client, addon }) => activeCredential(api.db, client, addon.id),
  },
  endpointId: {
    unknown: () => newId('webhookEndpoint'),
    of: async ({ client }) => (await webhookEndpoint(client)).endpointId,
  },
  deliveryId: {
    unknown: () => newId('webhookDelivery'),
    of: async ({ client, ids }) => {
      if (ids?.['endpointId'] === undefined) return (await webhookEndpoint(client)).deliveryId
      const path = `${V1}/webhook-endpoints/${ids['endpointId']}/test`
      return (await client('POST', path)).json().id
    },
  },
  operationId: {
    unknown: () => newId('operation'),
    of: async ({ client }) => (await client('GET', `${V1}/operations?limit=1`)).json().data[0].id,
  },
}

/** Parameters of queries that name nothing that a tenant has. A cursor does, and is tried. */
export const PLAIN_QUERY_PARAMETERS: readonly string[] = [
  'limit',
  'cursor',
  'status',
  'label',
  'eventType',
  'createdAfter',
  'createdBefore',
  'type',
  'after',
  'action',
]

/** Parameters in headers that name nothing that a tenant has, in lower case. */
export const PLAIN_HEADERS: readonly string[] = [
  'idempotency-key',
  'if-match',
  'if-none-match',
  'last-event-id',
]

/** Fields of bodies that look like ids and name nothing that a tenant has. */
export const PLAIN_BODY_FIELDS: readonly string[] = ['accessKeyId']
