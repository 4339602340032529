import { loadConfig } from '../config/config.ts'
import { applyMigrations } from '../db/migrations.ts'
import { openHost } from './host.ts'
import { openMetadata } from './metadata.ts'

// Brings the metadata database up to date. With DATABASE_URL set, its login needs the right to create roles and schemas.
const config = loadConfig(process.env)
const { connection } = await openMetadata(config, await openHost(config))
await applyMigrations(connection)
