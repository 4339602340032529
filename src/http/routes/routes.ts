import { createAddonRoute } from './addons/create.ts'
import { deleteAddonRoute } from './addons/delete.ts'
import { getAddonRoute } from './addons/get.ts'
import { getRecoveryWindowRoute } from './addons/get-recovery-window.ts'
import { listAddonsRoute } from './addons/list.ts'
import { revealCredentialsRoute } from './addons/reveal-credentials.ts'
import { updateAddonRoute } from './addons/update.ts'
import { createApiKeyRoute } from './api-keys/create.ts'
import { revokeApiKeyRoute } from './api-keys/delete.ts'
import { listApiKeysRoute } from './api-keys/list.ts'
import { listAuditLogRoute } from './audit-log/list.ts'
import { createBackupRoute } from './backups/create.ts'
import { getBackupRoute } from './backups/get.ts'
import { listBackupsRoute } from './backups/list.ts'
import { createDrillRoute } from './drills/create.ts'
import { getDrillRoute } from './drills/get.ts'
import { listDrillsRoute } from './drills/list.ts'
import { listEventsRoute } from './events/list.ts'
import { streamEventsRoute } from './events/stream.ts'
import { getOperationRoute } from './operations/get.ts'
import { listOperationsRoute } from './operations/list.ts'
import { createRestorePointRoute } from './restore-points/create.ts'
import { getRestorePointRoute } from './restore-points/get.ts'
import { listRestorePointsRoute } from './restore-points/list.ts'
import { cancelRestoreRoute } from './restores/cancel.ts'
import { createRestoreRoute } from './restores/create.ts'
import { getRestoreRoute } from './restores/get.ts'
import { listRestoresRoute } from './restores/list.ts'
import { planRestoreRoute } from './restores/plan.ts'
import { deleteStorageKeysRoute } from './storage-keys/delete.ts'
import { getStorageKeysRoute } from './storage-keys/get.ts'
import { setStorageKeysRoute } from './storage-keys/set.ts'
import { createTenantRoute } from './tenants/create.ts'
import { deleteTenantRoute } from './tenants/delete.ts'
import { getTenantRoute } from './tenants/get.ts'
import { listTenantsRoute } from './tenants/list.ts'
import { updateTenantRoute } from './tenants/update.ts'

/** Every operation below /v1. */
export const routes = [
  createAddonRoute,
  deleteAddonRoute,
  getRecoveryWindowRoute,
  getAddonRoute,
  listAddonsRoute,
  revealCredentialsRoute,
  updateAddonRoute,
  createApiKeyRoute,
  revokeApiKeyRoute,
  listApiKeysRoute,
  listAuditLogRoute,
  createBackupRoute,
  getBackupRoute,
  listBackupsRoute,
  createDrillRoute,
  getDrillRoute,
  listDrillsRoute,
  listEventsRoute,
  streamEventsRoute,
  getOperationRoute,
  listOperationsRoute,
  createRestorePointRoute,
  getRestorePointRoute,
  listRestorePointsRoute,
  cancelRestoreRoute,
  createRestoreRoute,
  getRestoreRoute,
  listRestoresRoute,
  planRestoreRoute,
  deleteStorageKeysRoute,
  getStorageKeysRoute,
  setStorageKeysRoute,
  createTenantRoute,
  deleteTenantRoute,
  getTenantRoute,
  listTenantsRoute,
  updateTenantRoute,
]
