import { findRestorePoint, listRestorePoints } from '../db/restore-points.ts'
import { isId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { type Caller, scopeOf } from './caller.ts'
import { pageOf, type Slice } from './page.ts'
import { requireAddonWithArchive } from './require-restorable-addon.ts'
import { restorePointView } from './restore-point-view.ts'
import type { ServiceDeps } from './service-deps.ts'

/** @throws Problem `restore-point-not-found` */
export async function readRestorePoint({ db }: Pick<ServiceDeps, 'db'>, caller: Caller, id: string) {
  const point = isId('restorePoint', id) ? await findRestorePoint(db, scopeOf(caller), id) : undefined
  if (point === undefined) throw new Problem('restore-point-not-found')
  return restorePointView(point)
}

/** Also of a deleted add-on, as long as it can be restored. @throws Problem `addon-not-found`, `archive-purged` */
export async function readRestorePoints(
  { db, now }: Pick<ServiceDeps, 'db' | 'now'>,
  caller: Caller,
  addonId: string,
  slice: Slice,
) {
  const scope = scopeOf(caller)
  await requireAddonWithArchive(db, scope, addonId, now())
  return pageOf(await listRestorePoints(db, scope, addonId, slice), slice, restorePointView)
}
