import { clockOf, query, trusting, urlAs } from '../../../src/bin/demo/client.ts'
import { waitUntil } from '../../../src/lib/wait-until.ts'
import * as api from '../client/sdk.gen.ts'
import type { Undrop } from './undrop.ts'

const PATIENCE_SECONDS = 90

/** The body of an answer that has to be a success. */
export async function ok<Data>(
  answer: Promise<{ data?: Data; error?: unknown; response?: Response }>,
): Promise<NonNullable<Data>> {
  const { data, error, response } = await answer
  if (data === undefined || data === null) throw new Error(`${response?.status} ${JSON.stringify(error)}`)
  return data
}

export async function aTenant({ client }: Undrop): Promise<string> {
  return (await ok(api.createTenant({ client, body: { name: 'acme' } }))).id
}

/** An add-on that serves and has its first base backup. */
export async function aProtectedAddon(undrop: Undrop, tenantId: string, name = 'shop') {
  const { client } = undrop
  const { id } = await ok(api.createAddon({ client, body: { tenantId, name } }))
  await untilProtected(undrop, id)
  return { id, login: await reveal(undrop, id) }
}

/** Revealed credentials whose URL is enough to connect by. */
export async function reveal({ client, directory }: Undrop, addonId: string) {
  return trusting(await ok(api.revealCredentials({ client, path: { addonId } })), directory)
}

/** Also waits until the earliest moment that can be restored to has passed. */
export async function untilProtected({ client }: Undrop, addonId: string): Promise<void> {
  await until(async () => {
    const addon = await ok(api.getAddon({ client, path: { addonId } }))
    if (addon.status === 'failed') throw new Error(`the add-on has failed: ${JSON.stringify(addon.failure)}`)
    if (addon.protection !== 'protected') return false
    const window = await ok(api.getRecoveryWindow({ client, path: { addonId } }))
    return window.earliest !== null && window.latest !== null && window.earliest < window.latest
  }, `add-on ${addonId} to be protected`)
}

export type Restore = Awaited<ReturnType<typeof untilFinished>>

/** Waits for a restore to end, well or not. */
export async function untilFinished({ client }: Undrop, restoreId: string) {
  const read = () => ok(api.getRestore({ client, path: { restoreId } }))
  await until(async () => (await read()).finishedAt !== null, `restore ${restoreId} to end`)
  return read()
}

export async function restoreTo(
  undrop: Undrop,
  addonId: string,
  target: { time: string } | { latest: true },
) {
  const { id } = await ok(api.createRestore({ client: undrop.client, path: { addonId }, body: { target } }))
  return untilFinished(undrop, id)
}

/** As `restoreTo`, for a restore that has to succeed; with the child's credentials. */
export async function restoredChild(
  undrop: Undrop,
  addonId: string,
  target: { time: string } | { latest: true },
) {
  const restore = await restoreTo(undrop, addonId, target)
  if (restore.status !== 'succeeded')
    throw new Error(`the restore ${restore.status}: ${JSON.stringify(restore.failure)}\n${undrop.log()}`)
  return { restore, login: await reveal(undrop, restore.childAddonId) }
}

export async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const came = await waitUntil(condition, { timeoutSeconds: PATIENCE_SECONDS, everyMilliseconds: 30 })
  if (!came) throw new Error(`waited in vain for ${what}`)
}

export { clockOf, query, trusting, urlAs }
