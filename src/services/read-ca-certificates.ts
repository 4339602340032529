import { findAddonEverKnown } from '../db/addons.ts'
import { caCertificates } from '../db/certificate-authorities.ts'
import type { Executor } from '../db/client.ts'
import { Problem } from '../domain/problem.ts'
import { type Caller, scopeOf } from './caller.ts'
import { requireAddon } from './read-addons.ts'
import type { ServiceDeps } from './service-deps.ts'

/**
 * What clients of an add-on are to trust: PEM, several certificates while the authority is being replaced.
 * @throws Problem `addon-not-found`, `unavailable`
 */
export async function readCaCertificates({ db }: Pick<ServiceDeps, 'db'>, caller: Caller, addonId: string) {
  await requireAddon(db, scopeOf(caller), addonId, findAddonEverKnown)
  return requireCaCertificates(db)
}

/** @throws Problem `unavailable` before a worker has started for the first time */
export async function requireCaCertificates(db: Executor): Promise<string> {
  const certificates = await caCertificates(db)
  if (certificates === '') throw new Problem('unavailable')
  return certificates
}
