import { type AddonWithPort, findAddonEverKnown, readArchive } from '../db/addons.ts'
import type { Executor } from '../db/client.ts'
import type { TenantScope } from '../db/tenant-scope.ts'
import { Problem } from '../domain/problem.ts'
import { requireAddon } from './read-addons.ts'

/**
 * An add-on whose archive can be looked at: one that exists, or one that is deleted and whose archive is kept.
 * @throws Problem `addon-not-found` when there is no archive any more, as for an add-on that never was
 */
export async function requireKeptArchive(
  ex: Executor,
  scope: TenantScope,
  id: string,
): Promise<AddonWithPort> {
  const addon = await requireAddon(ex, scope, id, findAddonEverKnown)
  if (addon.deleted_at === null) return addon
  const { removed_at: removedAt } = await readArchive(ex, addon.tenant_id, addon.server_id)
  if (removedAt !== null) throw new Problem('addon-not-found')
  return addon
}
