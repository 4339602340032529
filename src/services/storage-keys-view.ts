import type { TenantStorageKeys } from '../domain/repository.ts'

/** The names of the keys, which are no secrets. */
export function storageKeysView(keys: TenantStorageKeys | null) {
  return {
    readWriteAccessKeyId: keys?.readWrite.accessKeyId ?? null,
    readOnlyAccessKeyId: keys?.readOnly?.accessKeyId ?? null,
  }
}
