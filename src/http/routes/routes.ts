import { createAddonRoute } from './addons/create.ts'
import { deleteAddonRoute } from './addons/delete.ts'
import { getAddonRoute } from './addons/get.ts'
import { getCaCertificateRoute } from './addons/get-ca-certificate.ts'
import { getRecoveryWindowRoute } from './addons/get-recovery-window.ts'
import { listAddonsRoute } from './addons/list.ts'
import { revealCredentialsRoute } from './addons/reveal-credentials.ts'
import { updateAddonRoute } from './addons/update.ts'
import { createApiKeyRoute } from './api-keys/create.ts'
import { revokeApiKeyRoute } from './api-keys/delete.ts'
import { getApiKeyRoute } from './api-keys/get.ts'
import { listApiKeysRoute } from './api-keys/list.ts'
import { rotateApiKeyRoute } from './api-keys/rotate.ts'
import { updateApiKeyRoute } from './api-keys/update.ts'
import { listAuditLogRoute } from './audit-log/list.ts'
import { createBackupRoute } from './backups/create.ts'
import { getBackupRoute } from './backups/get.ts'
import { listBackupsRoute } from './backups/list.ts'
import { createCredentialRoute } from './credentials/create.ts'
import { deleteCredentialRoute } from './credentials/delete.ts'
import { getCredentialRoute } from './credentials/get.ts'
import { listCredentialsRoute } from './credentials/list.ts'
import { revealCredentialRoute } from './credentials/reveal.ts'
import { rotateCredentialRoute } from './credentials/rotate.ts'
import { rotateOwnerCredentialRoute } from './credentials/rotate-owner.ts'
import { createDrillRoute } from './drills/create.ts'
import { getDrillRoute } from './drills/get.ts'
import { listDrillsRoute } from './drills/list.ts'
import { listEventsRoute } from './events/list.ts'
import { streamEventsRoute } from './events/stream.ts'
import { getOperationRoute } from './operations/get.ts'
import { listOperationsRoute } from './operations/list.ts'
import { createPlatformKeyRoute } from './platform-keys/create.ts'
import { revokePlatformKeyRoute } from './platform-keys/delete.ts'
import { getPlatformKeyRoute } from './platform-keys/get.ts'
import { listPlatformKeysRoute } from './platform-keys/list.ts'
import { rotatePlatformKeyRoute } from './platform-keys/rotate.ts'
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
import { getTenantUsageRoute } from './tenants/get-usage.ts'
import { listTenantsRoute } from './tenants/list.ts'
import { updateTenantRoute } from './tenants/update.ts'
import { webhookRoutes } from './webhooks/webhooks.ts'

/** Every operation below /v1. */
export const routes = [
  createAddonRoute,
  deleteAddonRoute,
  getRecoveryWindowRoute,
  getAddonRoute,
  getCaCertificateRoute,
  listAddonsRoute,
  revealCredentialsRoute,
  updateAddonRoute,
  createApiKeyRoute,
  revokeApiKeyRoute,
  getApiKeyRoute,
  listApiKeysRoute,
  listAuditLogRoute,
  rotateApiKeyRoute,
  updateApiKeyRoute,
  createBackupRoute,
  getBackupRoute,
  listBackupsRoute,
  createCredentialRoute,
  deleteCredentialRoute,
  getCredentialRoute,
  listCredentialsRoute,
  revealCredentialRoute,
  rotateCredentialRoute,
  rotateOwnerCredentialRoute,
  createDrillRoute,
  getDrillRoute,
  listDrillsRoute,
  listEventsRoute,
  streamEventsRoute,
  getOperationRoute,
  listOperationsRoute,
  createPlatformKeyRoute,
  revokePlatformKeyRoute,
  getPlatformKeyRoute,
  listPlatformKeysRoute,
  rotatePlatformKeyRoute,
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
  getTenantUsageRoute,
  listTenantsRoute,
  updateTenantRoute,
  ...webhookRoutes,
]
