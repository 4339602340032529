import type { TenantStorageKeys } from '../domain/repository.ts'
import { type KeyRing, sealContext } from './key-ring.ts'

/** @throws Problem `secret-unreadable` */
export function storageKeysOf(
  keyRing: KeyRing,
  tenantId: string,
  sealed: string | null,
): TenantStorageKeys | null {
  if (sealed === null) return null
  return JSON.parse(keyRing.open(sealed, sealContext.tenantStorageKey(tenantId))) as TenantStorageKeys
}

export function sealStorageKeys(keyRing: KeyRing, tenantId: string, keys: TenantStorageKeys): string {
  return keyRing.seal(JSON.stringify(keys), sealContext.tenantStorageKey(tenantId))
}
