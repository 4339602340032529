import { findBackup, listBackups } from '../db/backups.ts'
import { isId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { backupView } from './backup-view.ts'
import { type Caller, scopeOf } from './caller.ts'
import { pageOf, type Slice } from './page.ts'
import { requireAddon } from './read-addons.ts'
import type { ServiceDeps } from './service-deps.ts'

/** @throws Problem `backup-not-found` */
export async function readBackup({ db }: Pick<ServiceDeps, 'db'>, caller: Caller, id: string) {
  const backup = isId('backup', id) ? await findBackup(db, scopeOf(caller), id) : undefined
  if (backup === undefined) throw new Problem('backup-not-found')
  return backupView(backup)
}

export async function readBackups(
  { db }: Pick<ServiceDeps, 'db'>,
  caller: Caller,
  addonId: string,
  slice: Slice,
) {
  const scope = scopeOf(caller)
  await requireAddon(db, scope, addonId)
  return pageOf(await listBackups(db, scope, addonId, slice), slice, backupView)
}
