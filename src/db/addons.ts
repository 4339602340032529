import { type Insertable, type JoinBuilder, sql, type Updateable } from 'kysely'
import type { BackupPolicy } from '../domain/backup-policy.ts'
import type { Moment } from '../domain/moment.ts'
import type { Executor, Tx } from './client.ts'
import { lookup } from './lookup.ts'
import type {
  AddonRow,
  AddonTable,
  ArchiveRow,
  ArchiveTable,
  Metadata,
  ServerRow,
  ServerTable,
} from './schema.ts'
import { inSlice, rowsOf, type Slice } from './slice.ts'
import { inScope, type TenantScope } from './tenant-scope.ts'

/**
 * An add-on, the port of the server that serves it, until when its archive outlives it, and what its tenant says of
 * backups.
 */
export type AddonWithPort = AddonRow & {
  port: number | null
  archive_kept_until: Moment | null
  tenant_backup_policy: BackupPolicy
}

export interface Label {
  key: string
  value: string
}

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
  const tenant = tx.selectFrom('tenant').select('backup_policy').where('id', '=', row.tenant_id)
  const { backup_policy: tenantPolicy } = await tenant.executeTakeFirstOrThrow()
  return { ...row, port: null, archive_kept_until: null, tenant_backup_policy: tenantPolicy }
}

export const findAddon = lookup((ex, scope, id) => liveAddons(ex, scope).where('addon.id', '=', id))

/** Also an add-on that is deleted: it can be looked up by its id for good. */
export const findAddonEverKnown = lookup((ex, scope, id) => addons(ex, scope).where('addon.id', '=', id))

/** Every change of an add-on, and every restore from it, locks its row first, so that they take turns. */
export function lockAddon(tx: Tx, scope: TenantScope, id: string): Promise<AddonWithPort | undefined> {
  return liveAddons(tx, scope).where('addon.id', '=', id).forUpdate('addon').executeTakeFirst()
}

/** As `lockAddon`, also for an add-on that is deleted: its archive may be restored from. */
export function lockAddonEverKnown(
  tx: Tx,
  scope: TenantScope,
  id: string,
): Promise<AddonWithPort | undefined> {
  return addons(tx, scope).where('addon.id', '=', id).forUpdate('addon').executeTakeFirst()
}

/** Those that have all the labels. */
export function listAddons(
  ex: Executor,
  scope: TenantScope,
  labels: readonly Label[],
  slice: Slice,
): Promise<AddonWithPort[]> {
  // One bound alone: of two that say the same, PostgreSQL takes each to leave out a part of its own.
  const id = labels.length === 0 ? 'addon.id' : 'label0.addon_id'
  let page = ex
    .selectFrom('addon')
    .selectAll('addon')
    .where(inScope(scope, 'addon.tenant_id'))
    .where('addon.deleted_at', 'is', null)
    .where('addon.purpose', '=', 'service')
    .where(inSlice('addon', slice, id))
  for (const [index, label] of labels.entries())
    page = page.innerJoin(...hasLabel(scope, `label${index}`, label))
  // Only for this page the rest is looked up: in its place it stands for the whole table.
  const ofPage = ex.with('addon', () => page.orderBy(sql.ref(id)).limit(rowsOf(slice)))
  return addons(ofPage as unknown as Executor, scope)
    .orderBy('addon.id')
    .execute()
}

/** A join, not a condition: one of several labels may be the rarest, and PostgreSQL knows which. */
function hasLabel(scope: TenantScope, alias: string, { key, value }: Label) {
  const column = (name: string) => sql.ref(`${alias}.${name}`)
  const matches = sql<boolean>`${column('addon_id')} = addon.id and ${column('key')} = ${key}
    and ${column('value')} = ${value} and ${inScope(scope, `${alias}.tenant_id`)}`
  const on = (join: JoinBuilder<Metadata, never>) => join.on(matches)
  return [sql`addon_label`.as(sql.ref(alias)) as never, on as never] as const
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
  const { port, archive_kept_until, tenant_backup_policy } = addon
  return { ...row, port, archive_kept_until, tenant_backup_policy }
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
      .innerJoin('tenant', 'tenant.id', 'addon.tenant_id')
      .innerJoin('archive', 'archive.server_id', 'addon.server_id')
      .selectAll('addon')
      .select(['server.port', 'tenant.backup_policy as tenant_backup_policy'])
      .select(
        sql<Moment | null>`case when archive.removed_at is null then archive.keep_until end`.as(
          'archive_kept_until',
        ),
      )
      .where(inScope(scope, 'addon.tenant_id'))
      // Nobody but Undrop has to do with what a drill restores.
      .where('addon.purpose', '=', 'service')
  )
}
