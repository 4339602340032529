import { createHash } from 'node:crypto'
import type { ServerRecord } from '../db/servers.ts'
import { archiveAccess, engineServer, type WorkDeps } from './server-work.ts'

/** Another process, or work that had read older keys, may have written something else since. */
const REMEMBERED_SECONDS = 300

/**
 * Writes the engine's configuration of a server when what it follows from has changed: the keys of its tenant, and where
 * archives are. Every push of WAL reads it anew.
 */
export async function refreshConfig(deps: WorkDeps, server: ServerRecord, now = Date.now()): Promise<void> {
  const { driver, engine, writtenConfigs } = deps
  const { serverId } = server
  if (!server.hasArchived || server.port === null) return
  if ((await driver.postgresState(serverId)) === 'no-data') return
  const files = engine.configFiles('own', engineServer(deps, server), archiveAccess(deps, server))
  const digest = createHash('sha256').update(JSON.stringify(files)).digest('base64url')
  const last = writtenConfigs.get(serverId)
  if (last?.digest === digest && now - last.at < REMEMBERED_SECONDS * 1000) return
  await driver.writeConfig(serverId, files)
  writtenConfigs.set(serverId, { digest, at: now })
}
