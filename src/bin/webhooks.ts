import { readFile } from 'node:fs/promises'
import type { Config } from '../config/config.ts'
import { type MetadataConnection, openDb, openPool } from '../db/client.ts'
import { momentOfMicros } from '../domain/moment.ts'
import { httpSender } from '../notify/webhooks/http-sender.ts'
import { type CheckedTargets, webhookTargets } from '../notify/webhooks/targets.ts'
import { startDispatcher } from '../operations/webhooks/dispatcher.ts'
import type { KeyRing } from '../secrets/key-ring.ts'

/** Apart from the worker's other connections, so that neither waits for the other. */
const POOL_SIZE = 4

export function openWebhookTargets(config: Config): CheckedTargets {
  return webhookTargets({
    allowedNetworks: config.UNDROP_WEBHOOK_ALLOWED_NETWORKS,
    allowHttp: config.UNDROP_WEBHOOK_ALLOW_HTTP,
  })
}

/** Tells webhook endpoints of events until it is closed. */
export async function openDispatcher(
  config: Config,
  metadata: MetadataConnection,
  keyRing: KeyRing,
  onError: (error: unknown) => void,
): Promise<{ close(): Promise<void> }> {
  const caFile = config.UNDROP_WEBHOOK_CA_FILE
  const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8')
  const pool = openPool(metadata, POOL_SIZE)
  const db = openDb(pool)
  const sender = httpSender({ targets: openWebhookTargets(config), ca })
  const now = () => momentOfMicros(BigInt(Date.now()) * 1000n)
  const dispatcher = startDispatcher({ db, keyRing, sender, now, onError })
  return {
    async close() {
      await dispatcher.close()
      await db.destroy()
    },
  }
}
