import { type Addon, type Bench, untilProtected, untilStatus } from './bench.ts'
import { type Login, pgbench } from './source.ts'

/** An add-on with a large table. */
export interface LoadedAddon {
  id: string
  serverId: string
  login: Login
  /** How `undrop_admin` reaches it. */
  admin: { socketDirectory: string; port: number }
}

/** @param scale as pgbench has it: 15 MB each */
export async function loadedAddon(bench: Bench, scale: number): Promise<LoadedAddon> {
  const { api, tenantId, host } = bench
  const { id } = await api.call<Addon>('POST', '/v1/addons', { tenantId, name: 'loaded' })
  await untilStatus(bench, `/v1/addons/${id}`, 'available')
  await untilProtected(bench, id)
  const [serverId = ''] = await host.driver.listInstances()
  const login = await api.reveal(id)
  await pgbench(bench, login, ['-i', '-q', '-s', String(scale)])
  const admin = { socketDirectory: host.driver.paths(serverId).socketDirectory, port: login.port }
  return { id, serverId, login, admin }
}
