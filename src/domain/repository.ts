/** Keys of an object store. A secret: never log it, never put it into a memo, an event or argv. */
export interface StorageKey {
  accessKeyId: string
  secretAccessKey: string
}

/** The keys that one tenant's servers use; without a read-only one, children read with the other. */
export interface TenantStorageKeys {
  readWrite: StorageKey
  readOnly: StorageKey | null
}

/** Where an archive is and how pgBackRest reaches it. Holds a secret when it is on an object store. */
export type Repository = { type: 'posix'; path: string } | S3Repository

export interface S3Repository {
  type: 's3'
  /** Begins with a slash; keys in the bucket are this without it. */
  path: string
  bucket: string
  region: string
  host: string
  port: number
  /** The bucket is a part of the path of a URL, not of its host name. */
  pathStyle: boolean
  /** PEM of the authorities to trust; null for the system's. */
  certificateAuthorities: string | null
  key: StorageKey
}
