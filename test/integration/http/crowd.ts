import { sql } from 'kysely'
import type { Db } from '../../../src/db/client.ts'
import { firstIdAt } from '../../../src/domain/ids.ts'
import { addSeconds } from '../../../src/domain/moment.ts'

export const COUNT = 40_000
/** When the first of many was made; one follows each second. */
export const BEGAN = '2026-01-01T00:00:00.000000Z'

/** Many of everything, of one tenant and one add-on, and as many add-ons of others. */
export async function crowd(db: Db, tenantId: string, addon: { id: string; server_id: string }) {
  const idsOf = (kind: Parameters<typeof firstIdAt>[0]) =>
    Array.from({ length: COUNT }, (_, n) => firstIdAt(kind, addSeconds(BEGAN, n)))
  const many = (kind: Parameters<typeof firstIdAt>[0]) =>
    sql`(select id, n, ${BEGAN}::timestamptz + n * interval '1 second' as at
           from unnest(${idsOf(kind)}::text[]) with ordinality as made (id, n)) as made`
  const owner = sql`${tenantId}, ${addon.id}`
  await sql`insert into tenant (id, name, created_at) select id, 'crowd', at from ${many('tenant')}`.execute(
    db,
  )
  await sql`insert into api_key (id, tenant_id, name, secret_hash, scopes, created_at)
    select id, case n % 2 when 0 then ${tenantId} end, 'crowd', id::bytea, '{addons:read}', at from ${many('apiKey')}`.execute(
    db,
  )
  await db.transaction().execute(async (tx) => {
    await sql`insert into addon (id, tenant_id, name, status, postgres_version, database_name, username, password_sealed,
        server_id, labels, created_at)
      select id, ${tenantId}, 'n' || n, case n % 100 when 0 then 'failed' else 'available' end, 15, 'd', 'u', 's', 'srv' || n,
             jsonb_build_object('app', 'shop', 'n', (n % 100)::text), at from ${many('addon')}`.execute(tx)
    await sql`insert into server (id, tenant_id, addon_id) select 'srv' || n, ${tenantId}, id from ${many('addon')}`.execute(
      tx,
    )
    await sql`insert into archive (server_id, tenant_id, cipher_pass_sealed)
      select 'srv' || n, ${tenantId}, 's' from ${many('addon')}`.execute(tx)
  })
  await sql`insert into operation (id, tenant_id, addon_id, kind, server_id, status, step, memo, finished_at, created_at)
    select id, ${owner}, 'backup.take', ${addon.server_id}, case n % 100 when 0 then 'failed' else 'succeeded' end, 's', '{}', at, at
      from ${many('operation')}`.execute(db)
  await sql`insert into backup (id, tenant_id, addon_id, server_id, type, status, created_at)
    select id, ${owner}, ${addon.server_id}, 'full', case n % 100 when 0 then 'failed' else 'succeeded' end, at from ${many('backup')}`.execute(
    db,
  )
  await sql`insert into restore (id, tenant_id, addon_id, source_server_id, child_addon_id, child_server_id, target, status,
      finished_at, created_at)
    select id, ${owner}, ${addon.server_id}, ${addon.id}, ${addon.server_id}, '{"latest": true}', case n % 100 when 0 then 'failed' else 'succeeded' end, at, at
      from ${many('restore')}`.execute(db)
  await sql`insert into restore_point (id, tenant_id, addon_id, server_id, name, status, created_at)
    select id, ${owner}, ${addon.server_id}, 'p' || n, case n % 100 when 0 then 'failed' else 'archived' end, at from ${many('restorePoint')}`.execute(
    db,
  )
  await sql`insert into credential (id, tenant_id, addon_id, name, access, status, username, password_sealed, created_at)
    select id, ${owner}, 'c' || n, 'read-only', 'active', 'u', 's', at from ${many('credential')}`.execute(db)
  await sql`insert into old_login (credential_id, username, tenant_id, addon_id, replaced_at, valid_until)
    select id, 'u', ${owner}, at, at from ${many('credential')}`.execute(db)
  await sql`insert into webhook_endpoint (id, tenant_id, url, event_types, position, created_at)
    select id, ${tenantId}, 'https://hooks.example.com/', '{*}', 0, at from ${many('webhookEndpoint')}`.execute(
    db,
  )
  const [endpointId = ''] = idsOf('webhookEndpoint')
  await sql`insert into webhook_delivery (id, endpoint_id, tenant_id, event_position, event_type, resource_id, data, occurred_at,
      status, created_at)
    select id, ${endpointId}, ${tenantId}, n, case n % 100 when 0 then 'addon.created' else 'addon.updated' end, 'r' || n, '{}', at,
           case n % 100 when 0 then 'failed' else 'succeeded' end, at from ${many('webhookDelivery')}`.execute(
    db,
  )
  await sql`insert into drill (id, tenant_id, addon_id, source_server_id, child_addon_id, child_server_id, status, finished_at, created_at)
    select id, ${owner}, ${addon.server_id}, ${addon.id}, ${addon.server_id}, case n % 100 when 0 then 'failed' else 'succeeded' end, at, at
      from ${many('drill')}`.execute(db)
  return { endpointId }
}
