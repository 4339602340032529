import { findRestorePoint, listRestorePoints } from '../db/restore-points.ts'
import { isId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { type Caller, scopeOf } from './caller.ts'
import { pageOf, type Slice } from './page.ts'
import { requireAddon } from './read-addons.ts'
import { restorePointView } from './restore-point-view.ts'
import type { ServiceDeps } from './service-deps.ts'

/** @throws Problem `restore-point-not-found` */
export async function readRestorePoint({ db }: Pick<ServiceDeps, 'db'>, caller: Caller, id: string) {
  const point = isId('restorePoint', id) ? await findRestorePoint(db, scopeOf(caller), id) : undefined
  if (point === undefined) throw new Problem('restore-point-not-found')
  return restorePointView(point)
}

export async function readRestorePoints(
  { db }: Pick<ServiceDeps, 'db'>,
  caller: Caller,
  addonId: string,
  slice: Slice,
) {
  const scope = scopeOf(caller)
  await requireAddon(db, scope, addonId)
  return pageOf(await listRestorePoints(db, scope, addonId, slice), slice, restorePointView)
}
