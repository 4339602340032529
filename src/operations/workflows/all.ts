import type { AnyWorkflow } from '../runner.ts'
import type { WorkDeps } from '../server-work.ts'
import { applyCredential } from './apply-credential.ts'
import { checkDrill } from './check-drill.ts'
import { createRestorePoint } from './create-restore-point.ts'
import { deleteAddon } from './delete-addon.ts'
import { expireArchive } from './expire-archive.ts'
import { protectServer } from './protect-server.ts'
import { provisionAddon } from './provision-addon.ts'
import { purgeArchive } from './purge-archive.ts'
import { restoreAddon } from './restore-addon.ts'
import { takeBackup } from './take-backup.ts'
import { verifyDrill } from './verify-drill.ts'

/** Every workflow, by the kind of operation it carries out. */
export const workflows: ReadonlyMap<string, AnyWorkflow<WorkDeps>> = new Map(
  [
    provisionAddon,
    protectServer,
    takeBackup,
    expireArchive,
    restoreAddon,
    createRestorePoint,
    applyCredential,
    verifyDrill,
    checkDrill,
    deleteAddon,
    purgeArchive,
  ].map((workflow) => [workflow.kind, workflow]),
)
