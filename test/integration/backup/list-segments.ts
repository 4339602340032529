import { join } from 'node:path'
import { segmentOfPath } from '../../../src/domain/archive-layout.ts'
import type { BareServer } from '../../support/bare-server.ts'

/** The whole WAL segments in a server's own archive, sorted, as pgBackRest itself lists them. */
export async function listSegmentsOf(server: BareServer): Promise<string[]> {
  const config = `--config=${join(server.paths.configDirectory, 'pgbackrest.conf')}`
  const path = `archive/${server.serverId}`
  const argv = ['pgbackrest', config, '--recurse', '--output=json', 'repo-ls', path] as const
  const { exitCode, stdout, stderr } = await server.run({ argv })
  if (exitCode !== 0) throw new Error(`the archive cannot be listed: ${stdout}${stderr}`)
  const segments = Object.keys(JSON.parse(stdout) as object).flatMap((file) => segmentOfPath(file) ?? [])
  return [...new Set(segments)].sort()
}
