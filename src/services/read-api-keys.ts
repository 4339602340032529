import { listApiKeys } from '../db/api-keys.ts'
import { apiKeyView } from './api-key-view.ts'
import type { Caller } from './caller.ts'
import { pageOf, type Slice } from './page.ts'
import { holderOf, type RequestedHolder, requireApiKey, requireHolder } from './require-api-key.ts'
import type { ServiceDeps } from './service-deps.ts'

type Deps = Pick<ServiceDeps, 'db'>

/** @throws Problem `tenant-not-found` */
export async function readApiKeys({ db }: Deps, caller: Caller, requested: RequestedHolder, slice: Slice) {
  const holder = holderOf(caller, requested)
  await requireHolder(db, holder)
  return pageOf(await listApiKeys(db, holder, slice), slice, apiKeyView)
}

/** @throws Problem `tenant-not-found`, `api-key-not-found` */
export async function readApiKey({ db }: Deps, caller: Caller, requested: RequestedHolder, id: string) {
  const holder = holderOf(caller, requested)
  await requireHolder(db, holder)
  return apiKeyView(await requireApiKey(db, holder, id))
}
