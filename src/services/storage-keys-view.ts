import { Problem } from '../domain/problem.ts'
import type { TenantStorageKeys } from '../domain/repository.ts'
import type { KeyRing } from '../secrets/key-ring.ts'
import { storageKeysOf } from '../secrets/storage-keys.ts'

/** The names of the keys, which are no secrets. */
export function storageKeysView(keys: TenantStorageKeys | null) {
  return {
    readWriteAccessKeyId: keys?.readWrite.accessKeyId ?? null,
    readOnlyAccessKeyId: keys?.readOnly?.accessKeyId ?? null,
  }
}

/** What is replaced or removed, for the audit log. What nobody can open any more is no reason to keep it. */
export function viewOfSealedKeys(keyRing: KeyRing, tenantId: string, sealed: string | null) {
  try {
    return storageKeysView(storageKeysOf(keyRing, tenantId, sealed))
  } catch (error) {
    if (error instanceof Problem && error.code === 'secret-unreadable') return storageKeysView(null)
    throw error
  }
}
