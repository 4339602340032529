import { sql } from 'kysely'
import { insertAddon } from '../db/addons.ts'
import type { Tx } from '../db/client.ts'
import { findOpenDrill, insertDrill } from '../db/drills.ts'
import { insertRestore } from '../db/restores.ts'
import type { AddonRow, DrillRow } from '../db/schema.ts'
import { newCipherPass, newPassword, newUsername } from '../domain/credentials.ts'
import { newId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { recordEvent } from '../notify/outbox.ts'
import { type KeyRing, sealContext } from '../secrets/key-ring.ts'
import { openOperation } from './open.ts'
import type { WakeUp } from './wake-up.ts'

/**
 * Records a drill of an add-on whose row the caller has locked: the restore to the latest state, the child to throw
 * away, and the first of its operations. Ring the wake-up after commit.
 * @throws Problem `drill-in-progress`
 */
export async function openDrill(
  tx: Tx,
  keyRing: KeyRing,
  source: AddonRow,
  { scheduled }: { scheduled: boolean },
): Promise<{ row: DrillRow; wakeUp: WakeUp }> {
  const { tenant_id: tenantId, id: addonId } = source
  if ((await findOpenDrill(tx, tenantId, addonId)) !== undefined) throw new Problem('drill-in-progress')
  const [drillId, restoreId] = [newId('drill'), newId('restore')]
  const child = await insertChild(tx, keyRing, source, { drillId, restoreId })
  const parties = {
    tenant_id: tenantId,
    addon_id: addonId,
    source_server_id: source.server_id,
    child_addon_id: child.id,
    child_server_id: child.server_id,
  }
  const row = await insertDrill(tx, { ...parties, id: drillId, status: 'queued', scheduled })
  await insertRestore(tx, {
    ...parties,
    id: restoreId,
    drill_id: drillId,
    target: JSON.stringify({ latest: true }),
    status: 'queued',
  })
  const wakeUp = await openOperation(tx, {
    tenantId,
    kind: 'drill.verify',
    serverId: child.server_id,
    addonId: child.id,
    memo: { drillId, restoreId },
  })
  await recordEvent(tx, { tenantId, type: 'drill.queued', payload: { drillId, addonId, scheduled } })
  return { row, wakeUp }
}

/** Its name is the drill's id, which no add-on of a tenant can have. Its settings come with the base backup. */
async function insertChild(
  tx: Tx,
  keyRing: KeyRing,
  source: AddonRow,
  { drillId, restoreId }: { drillId: string; restoreId: string },
) {
  const [id, serverId] = [newId('addon'), newId('server')]
  const owner = { tenant_id: source.tenant_id }
  const { settings } = await tx
    .selectFrom('server')
    .select('settings')
    .where('id', '=', source.server_id)
    .executeTakeFirstOrThrow()
  return insertAddon(tx, {
    addon: {
      ...owner,
      id,
      name: drillId,
      purpose: 'drill',
      status: 'restoring',
      postgres_version: source.postgres_version,
      database_name: source.database_name,
      username: newUsername(),
      password_sealed: keyRing.seal(newPassword(), sealContext.addonPassword(id)),
      server_id: serverId,
      restored_from: JSON.stringify({ addonId: source.id, restoreId }),
    },
    server: { ...owner, id: serverId, addon_id: id, settings: JSON.stringify(settings) },
    archive: {
      ...owner,
      server_id: serverId,
      cipher_pass_sealed: keyRing.seal(newCipherPass(), sealContext.archiveCipher(serverId)),
      // It never gets one, so there is nothing to plan.
      schedule_stale: false,
      drill_stale: false,
    },
  })
}

/** Another scheduled drill of that server is due only when the time between two has passed. */
export async function noteScheduled(tx: Tx, serverId: string): Promise<void> {
  await sql`update archive set next_drill_at = null, drill_stale = true where server_id = ${serverId}`.execute(
    tx,
  )
}
