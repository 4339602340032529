import { recordAudit } from '../db/audit.ts'
import type { Tx } from '../db/client.ts'
import { transact } from '../db/transact.ts'
import type { BackupPolicy } from '../domain/backup-policy.ts'
import { defaultDatabaseName } from '../domain/database-name.ts'
import { newId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { recordEvent } from '../notify/outbox.ts'
import { openOperation } from '../operations/open.ts'
import { addonView } from './addon-view.ts'
import { allocateAddon, type NewAddon } from './allocate-addon.ts'
import { assertSoundPolicy } from './assert-sound-policy.ts'
import { assertWithinQuotas } from './assert-within-quotas.ts'
import { type Caller, tenantOf } from './caller.ts'
import { ringDoorbell } from './ring-doorbell.ts'
import type { ServiceDeps } from './service-deps.ts'

export interface AddonInput {
  name: string
  tenantId?: string | undefined
  postgresVersion?: number | undefined
  databaseName?: string | undefined
  labels?: Record<string, string> | undefined
  backupPolicy?: BackupPolicy | undefined
  deletionProtection?: boolean | undefined
}

/**
 * Records a new add-on; its server is provisioned by the `addon.provision` workflow.
 * @throws Problem `tenant-not-found`, `quota-exceeded`, `addon-name-taken`, `postgres-version-unavailable`
 */
export async function createAddon(deps: ServiceDeps, caller: Caller, input: AddonInput) {
  const addon = describe(input, tenantOf(caller, input.tenantId), deps.postgresVersions())
  const { row, wakeUp } = await transact(deps.db, (tx) => record(tx, deps, caller, addon))
  ringDoorbell(deps, wakeUp)
  return addonView(row, deps)
}

async function record(tx: Tx, deps: ServiceDeps, { actor }: Caller, addon: NewAddon) {
  const id = newId('addon')
  const { tenantId, name } = addon
  await assertWithinQuotas(tx, deps, tenantId, 'addon')
  const row = await allocateAddon(tx, deps.keyRing, id, addon)
  assertSoundPolicy(deps.platformPolicy, row.tenant_backup_policy, row.backup_policy)
  const work = { tenantId, kind: 'addon.provision', serverId: row.server_id, addonId: id, memo: {} } as const
  const wakeUp = await openOperation(tx, work)
  await recordEvent(tx, { tenantId, type: 'addon.created', payload: { addonId: id, name } })
  const after = addonView(row, deps)
  await recordAudit(tx, { actor, tenantId, action: 'addon.create', resourceId: id, detail: { name }, after })
  return { row, wakeUp }
}

function describe(input: AddonInput, tenantId: string, available: readonly number[]): NewAddon {
  return {
    tenantId,
    name: input.name,
    status: 'provisioning',
    postgresVersion: choosePostgresVersion(input.postgresVersion, available),
    databaseName: input.databaseName ?? defaultDatabaseName(input.name),
    labels: input.labels ?? {},
    backupPolicy: input.backupPolicy ?? {},
    deletionProtection: input.deletionProtection ?? false,
    restoredFrom: null,
    settings: {},
  }
}

function choosePostgresVersion(wanted: number | undefined, available: readonly number[]): number {
  const version = available.find((candidate) => candidate === (wanted ?? available[0]))
  if (version === undefined) throw new Problem('postgres-version-unavailable', { extensions: { available } })
  return version
}
