import type { BackupInfo } from '../backup/engine.ts'
import { engineServer, loadServer, type ServerRef, type WorkDeps } from './server-work.ts'

/** The backups in a server's archive, or one of them with more detail. */
export async function listBackups(deps: WorkDeps, ref: ServerRef, label?: string): Promise<BackupInfo[]> {
  const { serverId } = ref
  const server = engineServer(deps, await loadServer(deps, ref))
  const listed = await deps.driver.run(serverId, deps.engine.listBackups(server, 'own', serverId, label))
  if (listed.exitCode !== 0) throw new Error(`the archive cannot be listed: ${listed.stdout}${listed.stderr}`)
  return deps.engine.parseBackups(listed.stdout)
}
