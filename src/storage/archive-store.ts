export interface ArchiveName {
  tenantId: string
  serverId: string
}

/** Where archives are kept. Knows nothing of what is in them. */
export interface ArchiveStore {
  /** The path by which the server's own processes know the archive. */
  pathOf(tenantId: string, serverId: string): string
  /** Makes room for an archive; does nothing when it is there. */
  ensure(tenantId: string, serverId: string): Promise<void>
  /** Removes an archive and everything in it; succeeds when it is gone already. */
  destroy(tenantId: string, serverId: string): Promise<void>
  list(): Promise<ArchiveName[]>
}
