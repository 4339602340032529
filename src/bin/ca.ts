import { loadConfig } from '../config/config.ts'
import { openDb, openPool } from '../db/client.ts'
import { introduceAuthority, retireAuthorities, useNewestAuthority } from '../operations/replace-authority.ts'
import { consoleActor } from './console-actor.ts'
import { openHost } from './host.ts'
import { openMetadata } from './metadata.ts'
import { openKeyRing } from './open-key-ring.ts'
import { start } from './run-until-stopped.ts'

// Replaces the authority that vouches for add-on servers (docs/operations/tls.md). Undrop may run meanwhile.
await start(async () => {
  const [verb] = process.argv.slice(2)
  const config = loadConfig(process.env)
  const host = await openHost(config)
  const { connection, started, stop } = await openMetadata(config, host)
  const db = openDb(openPool({ pool: connection, role: 'undrop_worker' }, 1))
  try {
    const ring = await openKeyRing(config, db)
    const actor = consoleActor()
    process.stdout.write(`${await carryOut(verb)}\n`)

    async function carryOut(what: string | undefined): Promise<string> {
      if (what === 'add') {
        await introduceAuthority(db, ring, actor)
        return 'a second authority is trusted; clients can download both certificates'
      }
      if (what === 'use') {
        await useNewestAuthority(db, actor)
        return 'the newest authority signs; workers renew the certificates of all servers'
      }
      if (what === 'retire')
        return `${await retireAuthorities(db, host.driver, actor)} authorities are trusted no more`
      throw new Error('npm run ca -- add | use | retire')
    }
  } finally {
    await db.destroy()
    if (started) await stop()
  }
})
