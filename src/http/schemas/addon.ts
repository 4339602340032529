import { z } from 'zod'
import { backupPolicySchema, completeBackupPolicySchema, DEFAULT_POLICY } from '../../domain/backup-policy.ts'
import { failureSchema } from './failure.ts'
import { addonName, databaseName, labels, moment } from './text.ts'

const stallSchema = z
  .object({
    code: z
      .enum([
        'server-lost',
        'archive-unreachable',
        'archive-unreadable',
        'archiving-failing',
        'archive-lagging',
        'disk-filling',
        'wal-gap',
        'backup-overdue',
      ])
      .describe('What each means: docs/operations/stalls.md'),
    detail: z.string(),
    since: moment,
  })
  .meta({ id: 'Stall' })

export const addonSchema = z
  .object({
    id: z.string(),
    tenantId: z.string(),
    name: z.string(),
    status: z.enum(['provisioning', 'available', 'restoring', 'failed', 'deleting', 'deleted']),
    protection: z
      .enum(['pending', 'protected', 'stalled'])
      .describe(
        'Whether it can be restored: not before its first backup; stalled while something is in the way',
      ),
    stalled: stallSchema.nullable().describe('What is in the way, the worst of it; null unless stalled'),
    postgresVersion: z.int(),
    databaseName: z.string(),
    endpoint: z.object({ host: z.string(), port: z.int() }).nullable().describe('Null unless available'),
    restoredFrom: z.object({ addonId: z.string(), restoreId: z.string() }).nullable(),
    backupPolicy: backupPolicySchema.describe('As it was given'),
    effectiveBackupPolicy: completeBackupPolicySchema,
    labels: z.record(z.string(), z.string()),
    deletionProtection: z.boolean(),
    archiveKeptUntil: moment
      .nullable()
      .describe(
        'Until then an add-on that is deleted can be restored; null for one that is not, or cannot be',
      ),
    failure: failureSchema.nullable(),
    createdAt: moment,
    updatedAt: moment,
  })
  .meta({
    id: 'Addon',
    examples: [
      {
        id: 'addon_01kas0d8w8e5h9xw2c5a9t7b3k',
        tenantId: 'tnt_01kas0d8w8e5h9xw2c5a9t7b3k',
        name: 'shop-db',
        status: 'available',
        protection: 'protected',
        stalled: null,
        postgresVersion: 15,
        databaseName: 'shop_db',
        endpoint: { host: '127.0.0.1', port: 20_001 },
        restoredFrom: null,
        backupPolicy: {},
        effectiveBackupPolicy: DEFAULT_POLICY,
        labels: { app: 'shop' },
        deletionProtection: false,
        archiveKeptUntil: null,
        failure: null,
        createdAt: '2026-11-23T13:00:00.123456Z',
        updatedAt: '2026-11-23T13:00:02.345678Z',
      },
    ],
  })

export const addonParams = z.object({ addonId: z.string() })

/** What may be set on creation and changed later. */
export const addonSettings = {
  name: addonName,
  labels: labels.optional(),
  backupPolicy: backupPolicySchema.optional(),
  deletionProtection: z.boolean().optional(),
}

export const newAddonSchema = z
  .strictObject({
    ...addonSettings,
    tenantId: z.string().optional().describe('Required with a platform key'),
    postgresVersion: z.int().optional().describe('Major version; the highest available unless given'),
    databaseName: databaseName.optional().describe('The name with _ for - unless given'),
  })
  .meta({
    id: 'NewAddon',
    examples: [{ name: 'shop-db', labels: { app: 'shop' }, deletionProtection: true }],
  })

export const addonChangeSchema = z
  .strictObject({ ...addonSettings, name: addonName.optional() })
  .meta({ id: 'AddonChange', examples: [{ deletionProtection: false }] })
