import type { Executor } from '../db/client.ts'
import { type Credential, findCredential, listCredentials } from '../db/credentials.ts'
import type { TenantScope } from '../db/tenant-scope.ts'
import { isId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { type Caller, scopeOf } from './caller.ts'
import { credentialView } from './credential-view.ts'
import { pageOf, type Slice } from './page.ts'
import { requireAddon } from './read-addons.ts'
import type { ServiceDeps } from './service-deps.ts'

/** A credential's place: both ids are the client's. */
export interface CredentialPath {
  addonId: string
  credentialId: string
}

/** One that is deleted is still shown, while its add-on is. @throws Problem `addon-not-found`, `credential-not-found` */
export async function readCredential(
  { db }: Pick<ServiceDeps, 'db'>,
  caller: Caller,
  { addonId, credentialId }: CredentialPath,
) {
  const scope = scopeOf(caller)
  await requireAddon(db, scope, addonId)
  return credentialView(await requireCredential(db, scope, { addonId, credentialId }))
}

/** @throws Problem `addon-not-found` */
export async function readCredentials(
  { db }: Pick<ServiceDeps, 'db'>,
  caller: Caller,
  addonId: string,
  slice: Slice,
) {
  const scope = scopeOf(caller)
  await requireAddon(db, scope, addonId)
  return pageOf(await listCredentials(db, scope, addonId, slice), slice, credentialView)
}

/** Of an add-on that has been found. @throws Problem `credential-not-found` */
export async function requireCredential(
  ex: Executor,
  scope: TenantScope,
  { addonId, credentialId: id }: CredentialPath,
): Promise<Credential> {
  const found = isId('credential', id) ? await findCredential(ex, scope, { addonId, id }) : undefined
  if (found === undefined) throw new Problem('credential-not-found')
  return found
}
