import type { DrillRow } from '../../db/schema.ts'
import { effectivePolicy } from '../../domain/backup-policy.ts'
import type { WorkDeps } from '../server-work.ts'

/** The query that drills of that add-on run; null for none. */
export async function drillProbeOf(
  { db, platformPolicy }: Pick<WorkDeps, 'db' | 'platformPolicy'>,
  { tenant_id: tenantId, addon_id: addonId }: DrillRow,
): Promise<string | null> {
  const found = await db
    .selectFrom('addon')
    .innerJoin('tenant', 'tenant.id', 'addon.tenant_id')
    .select(['addon.backup_policy as own', 'tenant.backup_policy as ofTenant'])
    .where('addon.tenant_id', '=', tenantId)
    .where('addon.id', '=', addonId)
    .executeTakeFirstOrThrow()
  return effectivePolicy(platformPolicy, found.ofTenant, found.own).drillProbe
}
