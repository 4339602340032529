import { loadConfig } from '../config/config.ts'
import { recordAudit } from '../db/audit.ts'
import { openDb, openPool } from '../db/client.ts'
import { resealAll } from '../db/reseal.ts'
import { sealedColumns } from '../secrets/sealed-columns.ts'
import { consoleActor } from './console-actor.ts'
import { openHost } from './host.ts'
import { openMetadata } from './metadata.ts'
import { openKeyRing } from './open-key-ring.ts'
import { start } from './run-until-stopped.ts'

// Seals every secret again, by the first master key (docs/operations/master-key.md). Undrop may run meanwhile.
await start(async () => {
  const config = loadConfig(process.env)
  const { connection, started, stop } = await openMetadata(config, await openHost(config))
  const db = openDb(openPool({ pool: connection, role: 'undrop_worker' }, 1))
  try {
    const ring = await openKeyRing(config, db)
    const [keyId] = ring.keyIds
    const resealed = await resealAll(db, sealedColumns, {
      keyId,
      reseal: (sealed, context) => ring.seal(ring.open(sealed, context), context),
    })
    const entry = { tenantId: null, action: 'master-key.reseal', resourceId: keyId, detail: { resealed } }
    await recordAudit(db, { actor: consoleActor(), ...entry })
    process.stdout.write(`${resealed} secrets were sealed again; all are sealed by the key ${keyId}\n`)
  } finally {
    await db.destroy()
    if (started) await stop()
  }
})
