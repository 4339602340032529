import { findBackup, listBackups } from '../db/backups.ts'
import { isId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { backupView } from './backup-view.ts'
import { type Caller, scopeOf } from './caller.ts'
import { pageOf, type Slice } from './page.ts'
import { requireAddonWithArchive } from './require-restorable-addon.ts'
import type { ServiceDeps } from './service-deps.ts'

/** @throws Problem `backup-not-found` */
export async function readBackup({ db }: Pick<ServiceDeps, 'db'>, caller: Caller, id: string) {
  const backup = isId('backup', id) ? await findBackup(db, scopeOf(caller), id) : undefined
  if (backup === undefined) throw new Problem('backup-not-found')
  return backupView(backup)
}

export async function readBackups(
  { db, now }: Pick<ServiceDeps, 'db' | 'now'>,
  caller: Caller,
  addonId: string,
  slice: Slice,
) {
  const scope = scopeOf(caller)
  await requireAddonWithArchive(db, scope, addonId, now())
  return pageOf(await listBackups(db, scope, addonId, slice), slice, backupView)
}
