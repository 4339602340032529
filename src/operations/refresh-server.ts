import { createHash } from 'node:crypto'
import type { ServerRecord } from '../db/servers.ts'
import { ensureCertificate } from './server-certificate.ts'
import { serverConfig, type WorkDeps } from './server-work.ts'

/**
 * Brings what a serving server reads up to date: its certificate, which is renewed long before its end, and its
 * configuration where it is an earlier Undrop's. The server is told by a reload, and its clients stay connected.
 */
export async function refreshServer(deps: WorkDeps, server: ServerRecord, now = new Date()): Promise<void> {
  const { driver, loadedConfigs } = deps
  const { serverId } = server
  if (server.port === null || (await driver.postgresState(serverId)) === 'no-data') return
  const certificate = await ensureCertificate(deps, serverId, deps.db, now)
  // Until then its protection is being set up, which writes all of it anew.
  const config = server.hasArchived ? await refreshFiles(deps, server) : {}
  const digest = createHash('sha256')
    .update(JSON.stringify([certificate, config]))
    .digest('base64url')
  if (loadedConfigs.get(serverId) === digest) return
  // Also once after each start of this process: another one may have ended between its writing and its reload.
  if ((await driver.postgresState(serverId)) === 'running') await driver.reloadPostgres(serverId)
  loadedConfigs.set(serverId, digest)
}

async function refreshFiles(deps: WorkDeps, server: ServerRecord): Promise<Record<string, string>> {
  const { driver } = deps
  const files = serverConfig(deps, server, { access: 'serving', archiving: true, recovery: '' })
  const present = await Promise.all(
    Object.keys(files).map((name) => driver.readConfig(server.serverId, name)),
  )
  const isAsWanted = Object.values(files).every((text, index) => text === present[index])
  if (!isAsWanted) await driver.writeConfig(server.serverId, files)
  return files
}
