import type { Moment } from '../domain/moment.ts'
import type { Repository, TenantStorageKeys } from '../domain/repository.ts'

export interface ArchiveName {
  tenantId: string
  serverId: string
}

export interface StoredFile {
  /** Below the archive, such as `archive/srv_…/15-1/0000000100000000/000000010000000000000003-….lz4`. */
  path: string
  sizeBytes: number
  /** When it was stored, by the store's clock. */
  modifiedAt: Moment
}

/** Where archives are kept. Knows nothing of what is in them. Every call throws `archive-unreachable` when the store does not answer or refuses. */
export interface ArchiveStore {
  readonly kind: 'local' | 's3'
  /**
   * How pgBackRest reaches the archive.
   * @param access `read` for a server that only restores from it
   * @param keys of the tenant, if it has its own
   */
  repositoryOf(archive: ArchiveName, access: 'write' | 'read', keys: TenantStorageKeys | null): Repository
  /** Makes room for an archive; does nothing when it is there. */
  ensure(tenantId: string, serverId: string): Promise<void>
  /** Removes an archive and everything in it, and makes sure that nothing is left; succeeds when it is gone already. */
  destroy(tenantId: string, serverId: string): Promise<void>
  /** Every archive there is, whether or not a row knows it. */
  list(): Promise<ArchiveName[]>
  /**
   * The files of one archive in order of their paths.
   * @param below only those whose path begins with this, such as `archive/`
   * @param after only those whose path sorts after this
   */
  files(archive: ArchiveName, options?: { below?: string; after?: string }): AsyncIterable<StoredFile>
  /** Whether the store answers and lets us do all that is needed. @throws Problem `archive-unreachable` that says what is missing */
  check(): Promise<void>
  /**
   * Tries the keys of a tenant below its own prefix, with an object that is removed again.
   * @returns what they can do beyond what they need, in plain words
   * @throws Problem `storage-keys-refused` with what they cannot do, or the read-only one can; `storage-not-s3`
   */
  checkKeys(tenantId: string, keys: TenantStorageKeys): Promise<string[]>
}
