// How the engine names the files of an archive: plainly, so that a listing alone tells which WAL there is.

const WAL_FILE = /\/([0-9A-F]{24})-[0-9a-f]{40}(\.\w+)?$/

/**
 * The WAL segment that a file of an archive holds: `<archive id>/<directory>/<segment>-<SHA-1>.<compression>`. Null for
 * what is no whole segment: backups, and `.partial`, `.history`, `.backup` and temporary files.
 */
export function segmentOfPath(path: string): string | null {
  return WAL_FILE.exec(path)?.[1] ?? null
}

/** What the paths of all WAL in a server's archive begin with. */
export function walBelow(serverId: string): string {
  return `archive/${serverId}/`
}

/** A path that sorts right before the file of that segment and all files of later ones on its timeline. */
export function pathBefore(serverId: string, postgresVersion: number, segment: string): string {
  return `${walBelow(serverId)}${postgresVersion}-1/${segment.slice(0, 16)}/${segment}`
}
