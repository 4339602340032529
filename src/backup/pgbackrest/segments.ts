import { z } from 'zod'

const listingSchema = z.record(z.string(), z.unknown())

/**
 * Reads what `repo-ls` prints of an archive: the names of whole segments, sorted. Files are named
 * `<archive id>/<directory>/<segment>-<SHA-1>.<compression>`; `.partial`, `.history` and `.backup` files are none.
 */
export function parseListing(stdout: string): string[] {
  const paths = Object.keys(listingSchema.parse(JSON.parse(stdout)))
  const segments = paths.flatMap((path) => /\/([0-9A-F]{24})-[0-9a-f]{40}(\.\w+)?$/.exec(path)?.[1] ?? [])
  return [...new Set(segments)].sort()
}
