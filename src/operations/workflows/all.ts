import type { AnyWorkflow } from '../runner.ts'
import type { WorkDeps } from '../server-work.ts'
import { createRestorePoint } from './create-restore-point.ts'
import { deleteAddon } from './delete-addon.ts'
import { expireArchive } from './expire-archive.ts'
import { protectServer } from './protect-server.ts'
import { provisionAddon } from './provision-addon.ts'
import { purgeArchive } from './purge-archive.ts'
import { restoreAddon } from './restore-addon.ts'
import { takeBackup } from './take-backup.ts'

/** Every workflow, by the kind of operation it carries out. */
export const workflows: ReadonlyMap<string, AnyWorkflow<WorkDeps>> = new Map(
  [
    provisionAddon,
    protectServer,
    takeBackup,
    expireArchive,
    restoreAddon,
    createRestorePoint,
    deleteAddon,
    purgeArchive,
  ].map((workflow) => [workflow.kind, workflow]),
)
