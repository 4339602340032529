import { type AddonWithPort, lockAddon } from '../db/addons.ts'
import { recordAudit } from '../db/audit.ts'
import type { Tx } from '../db/client.ts'
import type { Credential } from '../db/credentials.ts'
import { transact } from '../db/transact.ts'
import { Problem } from '../domain/problem.ts'
import { recordEvent } from '../notify/outbox.ts'
import { openOperation } from '../operations/open.ts'
import { type Caller, scopeOf } from './caller.ts'
import { changeOf } from './change-of.ts'
import { credentialView } from './credential-view.ts'
import { requireAddon } from './read-addons.ts'
import { ringDoorbell } from './ring-doorbell.ts'
import type { ServiceDeps } from './service-deps.ts'

export type ChangeDeps = Pick<ServiceDeps, 'db' | 'doorbell' | 'logger'>

type ChangeEvent =
  | { event: 'credential.created' | 'credential.deleting'; facts?: undefined }
  | { event: 'credential.rotating'; facts: { overlapSeconds: number } }

/** `facts` are public, for the audit entry as for the event. */
type Change = ChangeEvent & {
  /** Of the audit entry, such as `credential.rotate`. */
  action: string
  before: Credential | null
  after: Credential
}

/**
 * Records what is to become of a credential; the `credential.apply` workflow does it on the server, beside whatever else
 * goes on there. The add-on is locked meanwhile.
 * @param record writes it; returns the credential alone when there is nothing to do
 * @throws Problem `addon-not-found`, `addon-not-available`, and what `record` throws
 */
export async function changeCredential(
  deps: ChangeDeps,
  caller: Caller,
  addonId: string,
  record: (tx: Tx, addon: AddonWithPort) => Promise<Change | Credential>,
) {
  const { row, wakeUp } = await transact(deps.db, async (tx) => {
    const addon = await requireAddon(tx, scopeOf(caller), addonId, lockAddon)
    if (addon.status !== 'available') throw new Problem('addon-not-available')
    const change = await record(tx, addon)
    if (!('after' in change)) return { row: change, wakeUp: null }
    return { row: change.after, wakeUp: await openWork(tx, caller, addon, change) }
  })
  if (wakeUp !== null) ringDoorbell(deps, wakeUp)
  return credentialView(row)
}

async function openWork(tx: Tx, { actor }: Caller, addon: AddonWithPort, change: Change) {
  const { action, event, facts = {}, before, after } = change
  const { tenant_id: tenantId, server_id: serverId, id: addonId } = addon
  const credentialId = after.id
  const payload = { credentialId, addonId, name: after.name, access: after.access, ...facts }
  await recordEvent(tx, { tenantId, type: event, payload })
  await recordAudit(tx, {
    actor,
    tenantId,
    action,
    resourceId: credentialId,
    detail: payload,
    ...(before === null
      ? { after: credentialView(after) }
      : changeOf(credentialView(before), credentialView(after))),
  })
  const work = { tenantId, kind: 'credential.apply', serverId, addonId, exclusive: false } as const
  return openOperation(tx, { ...work, memo: { credentialId } })
}
