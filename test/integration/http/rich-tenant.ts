import { type Api, availableAddon, completeBackup, finishOperations } from './test-api.ts'

/** A tenant that has one of everything. */
export async function richTenant({ db, newTenant, platform }: Api) {
  const { id: tenantId, client, authorization } = await newTenant()
  const addon = await availableAddon(db, client)
  const backupId = await completeBackup(db, addon)
  const restore = (
    await client('POST', `/v1/addons/${addon.id}/restores`, { target: { latest: true } })
  ).json()
  const point = (
    await client('POST', `/v1/addons/${addon.id}/restore-points`, { name: 'before-upgrade' })
  ).json()
  const drill = (await client('POST', `/v1/addons/${addon.id}/drills`, {})).json()
  const operation = (await client('GET', `/v1/operations?addonId=${restore.childAddonId}`)).json().data[0]
  const apiKey = (await platform('POST', `/v1/tenants/${tenantId}/api-keys`, { name: 'other' })).json()
  await finishOperations(db, addon.id)
  return {
    client,
    authorization,
    ids: {
      tenantId,
      apiKeyId: apiKey.id,
      addonId: addon.id,
      backupId,
      restoreId: restore.id,
      restorePointId: point.id,
      drillId: drill.id,
      operationId: operation.id,
    },
  }
}
