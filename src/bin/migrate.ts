import { loadConfig } from '../config/config.ts'
import { applyMigrations } from '../db/migrations.ts'
import { openHost } from './host.ts'
import { openMetadata } from './metadata.ts'
import { start } from './run-until-stopped.ts'

// Brings the metadata database up to date. With DATABASE_URL set, its login needs the right to create roles and schemas.
await start(async () => {
  const config = loadConfig(process.env)
  const { connection } = await openMetadata(config, await openHost(config))
  await applyMigrations(connection)
})
