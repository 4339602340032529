import type { Insertable, Updateable } from 'kysely'
import type { Executor, Tx } from './client.ts'
import type { AddonRow, AddonTable, ArchiveRow, ArchiveTable, ServerRow, ServerTable } from './schema.ts'
import { bounds, inScope, type Slice, type TenantScope } from './tenant-scope.ts'

/** An add-on and the port of the server that serves it. */
export type AddonWithPort = AddonRow & { port: number | null }

interface NewAddon {
  addon: Insertable<AddonTable>
  server: Insertable<ServerTable>
  archive: Insertable<ArchiveTable>
}

/** @throws the database's error on `addon_name_of_tenant` when the name is taken. */
export async function insertAddon(tx: Tx, { addon, server, archive }: NewAddon): Promise<AddonWithPort> {
  const row = await tx.insertInto('addon').values(addon).returningAll().executeTakeFirstOrThrow()
  await tx.insertInto('server').values(server).execute()
  await tx.insertInto('archive').values(archive).execute()
  return { ...row, port: null }
}

export function findAddon(ex: Executor, scope: TenantScope, id: string): Promise<AddonWithPort | undefined> {
  return liveAddons(ex, scope).where('addon.id', '=', id).executeTakeFirst()
}

/** Also an add-on that is deleted: it can be looked up by its id for good. */
export function findAddonEverKnown(
  ex: Executor,
  scope: TenantScope,
  id: string,
): Promise<AddonWithPort | undefined> {
  return addons(ex, scope).where('addon.id', '=', id).executeTakeFirst()
}

/** Every change of an add-on, and every restore from it, locks its row first, so that they take turns. */
export function lockAddon(tx: Tx, scope: TenantScope, id: string): Promise<AddonWithPort | undefined> {
  return liveAddons(tx, scope).where('addon.id', '=', id).forUpdate('addon').executeTakeFirst()
}

export function listAddons(ex: Executor, scope: TenantScope, slice: Slice): Promise<AddonWithPort[]> {
  const { limit, after } = bounds(slice)
  return liveAddons(ex, scope).where('addon.id', '>', after).orderBy('addon.id').limit(limit).execute()
}

/** Whether the scope has, or once had, that add-on. */
export async function addonIsKnown(ex: Executor, scope: TenantScope, id: string): Promise<boolean> {
  return (await findAddonEverKnown(ex, scope, id)) !== undefined
}

export async function updateAddon(
  tx: Tx,
  addon: AddonWithPort,
  change: Updateable<AddonTable>,
): Promise<AddonWithPort> {
  const row = await tx
    .updateTable('addon')
    .set(change)
    .where('tenant_id', '=', addon.tenant_id)
    .where('id', '=', addon.id)
    .returningAll()
    .executeTakeFirstOrThrow()
  return { ...row, port: addon.port }
}

export function readServer(ex: Executor, tenantId: string, id: string): Promise<ServerRow> {
  const server = ex.selectFrom('server').selectAll().where('tenant_id', '=', tenantId).where('id', '=', id)
  return server.executeTakeFirstOrThrow()
}

export function readArchive(ex: Executor, tenantId: string, serverId: string): Promise<ArchiveRow> {
  const archive = ex.selectFrom('archive').selectAll().where('tenant_id', '=', tenantId)
  return archive.where('server_id', '=', serverId).executeTakeFirstOrThrow()
}

function liveAddons(ex: Executor, scope: TenantScope) {
  return addons(ex, scope).where('addon.deleted_at', 'is', null)
}

function addons(ex: Executor, scope: TenantScope) {
  return (
    ex
      .selectFrom('addon')
      .innerJoin('server', 'server.id', 'addon.server_id')
      .selectAll('addon')
      .select('server.port')
      .where(inScope(scope, 'addon.tenant_id'))
      // Nobody but Undrop has to do with what a drill restores.
      .where('addon.purpose', '=', 'service')
  )
}
