import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { Db } from '../../../src/db/client.ts'
import { placeEvents } from '../../../src/db/event-positions.ts'
import { newId } from '../../../src/domain/ids.ts'
import { addSeconds, type Moment } from '../../../src/domain/moment.ts'
import { recordEvent } from '../../../src/notify/outbox.ts'
import type { WebhookSender } from '../../../src/notify/webhook-sender.ts'
import { httpSender } from '../../../src/notify/webhooks/http-sender.ts'
import { webhookTargets } from '../../../src/notify/webhooks/targets.ts'
import { type Dispatcher, webhookDispatcher } from '../../../src/operations/webhooks/dispatcher.ts'
import { keyRing } from '../../../src/secrets/key-ring.ts'
import { createWebhookEndpoint } from '../../../src/services/create-webhook-endpoint.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { aTenant } from '../operations/rows.ts'

export const START: Moment = '2026-11-23T14:00:00.000000Z'
export const caller = {
  tenantId: null,
  scopes: [],
  actor: { apiKeyId: null, requestId: 'test', sourceAddress: '127.0.0.1' },
}

export type Ground = Awaited<ReturnType<typeof newGround>>

/** A metadata database with a tenant, a clock that only the test moves, and dispatchers. */
export async function newGround() {
  const { db } = await freshMetadata()
  const tenantId = await aTenant(db)
  const targets = webhookTargets({ allowedNetworks: ['127.0.0.0/8'], allowHttp: true })
  const sender = httpSender({ targets, timeoutSeconds: 0.5 })
  const ring = keyRing([randomBytes(32)])
  const clock = { now: START }
  const errors: unknown[] = []
  const services = { db, keyRing: ring, webhookTargets: targets, now: () => clock.now }
  const dispatcher = (own: WebhookSender = sender): Dispatcher => {
    const { pass, settled } = webhookDispatcher({
      db,
      keyRing: ring,
      sender: own,
      now: () => clock.now,
      onError: (error) => void errors.push(error),
    })
    // In a worker events are placed beside it.
    const passAfterPlacing = async () => {
      await placeEvents(db)
      return pass()
    }
    return { pass: passAfterPlacing, settled }
  }
  return {
    db,
    tenantId,
    services,
    sender,
    dispatcher,
    errors,
    clock,
    moveOn(seconds: number) {
      clock.now = addSeconds(clock.now, seconds)
    },
    endpoint: (url: string, more: { tenantId?: string | null; eventTypes?: string[] } = {}) =>
      createWebhookEndpoint(services, caller, { tenantId, url, ...more }),
    deliveries: (endpointId: string) =>
      db
        .selectFrom('webhook_delivery')
        .selectAll()
        .where('endpoint_id', '=', endpointId)
        .orderBy('event_position')
        .execute(),
    endpointRow: (id: string) =>
      db.selectFrom('webhook_endpoint').selectAll().where('id', '=', id).executeTakeFirstOrThrow(),
  }
}

/** Of all backups here. */
export const ADDON_ID = newId('addon')
export const backupIds = (count: number) => Array.from({ length: count }, () => newId('backup'))

/** Something happens to a backup, now by the test's clock. */
export async function happen(
  { db, tenantId, clock }: Pick<Ground, 'db' | 'tenantId' | 'clock'>,
  backupId: string,
  type: 'backup.running' | 'backup.succeeded' = 'backup.running',
): Promise<void> {
  await recordEvent(db, { tenantId, type, payload: { backupId, addonId: ADDON_ID } })
  await db.updateTable('outbox_event').set({ created_at: clock.now }).where('position', 'is', null).execute()
}

/** Until nothing is due at this moment. */
export async function workOff(dispatchers: readonly Dispatcher[]): Promise<void> {
  for (;;) {
    const more = await Promise.all(dispatchers.map((each) => each.pass()))
    await Promise.all(dispatchers.map((each) => each.settled()))
    if (!more.includes(true)) return
  }
}

/** The next moment at which something is due; null when everything is finished. */
export async function nextDue(db: Db): Promise<Moment | null> {
  const { rows } = await sql<{ at: Moment | null }>`
    select min(greatest(next_attempt_at, paused_until)) as at
      from webhook_delivery join webhook_endpoint on webhook_endpoint.id = endpoint_id
     where status = 'pending' and enabled`.execute(db)
  return rows[0]?.at ?? null
}
