import type { Db } from '../db/client.ts'
import { type CompleteBackupPolicy, effectivePolicy } from '../domain/backup-policy.ts'

/** The policy of an add-on, completed by its tenant's and the platform's. */
export async function effectivePolicyOf(
  { db, platformPolicy }: { db: Db; platformPolicy: CompleteBackupPolicy },
  { tenantId, addonId }: { tenantId: string; addonId: string },
): Promise<CompleteBackupPolicy> {
  const policies = await db
    .selectFrom('addon')
    .innerJoin('tenant', 'tenant.id', 'addon.tenant_id')
    .select(['tenant.backup_policy as ofTenant', 'addon.backup_policy as ofAddon'])
    .where('addon.tenant_id', '=', tenantId)
    .where('addon.id', '=', addonId)
    .executeTakeFirstOrThrow()
  return effectivePolicy(platformPolicy, policies.ofTenant, policies.ofAddon)
}
