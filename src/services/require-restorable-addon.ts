import { type AddonWithPort, findAddonEverKnown } from '../db/addons.ts'
import type { Executor } from '../db/client.ts'
import { readKept } from '../db/kept-archives.ts'
import type { TenantScope } from '../db/tenant-scope.ts'
import type { Moment } from '../domain/moment.ts'
import { Problem } from '../domain/problem.ts'
import { requireAddon } from './read-addons.ts'

type Find<Ex extends Executor> = (
  ex: Ex,
  scope: TenantScope,
  id: string,
) => Promise<AddonWithPort | undefined>

/**
 * An add-on that has an archive to look at: any that is not deleted, and a deleted one while its archive is kept.
 * @throws Problem `addon-not-found`, `archive-purged`
 */
export async function requireAddonWithArchive<Ex extends Executor>(
  ex: Ex,
  scope: TenantScope,
  id: string,
  now: Moment,
  find: Find<Ex> = findAddonEverKnown,
): Promise<AddonWithPort> {
  const addon = await requireAddon(ex, scope, id, find)
  if (addon.status !== 'deleted') return addon
  // Read only now that the add-on may have been waited for.
  const { until, purging } = await readKept(ex, addon.tenant_id, addon.server_id)
  if (until === null || until <= now || purging) throw new Problem('archive-purged')
  return addon
}

/**
 * An add-on that a restore may begin from; a deleted one is restored from its archive alone.
 * @param find locks the row for a restore that is about to be recorded
 * @throws Problem `addon-not-found`, `archive-purged`, `addon-not-available`
 */
export async function requireRestorableAddon<Ex extends Executor>(
  ex: Ex,
  scope: TenantScope,
  id: string,
  now: Moment,
  find: Find<Ex> = findAddonEverKnown,
): Promise<AddonWithPort> {
  const addon = await requireAddonWithArchive(ex, scope, id, now, find)
  if (addon.status !== 'available' && addon.status !== 'deleted') throw new Problem('addon-not-available')
  return addon
}
