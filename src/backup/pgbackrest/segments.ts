import { z } from 'zod'
import { segmentOfPath } from '../../domain/archive-layout.ts'

const listingSchema = z.record(z.string(), z.unknown())

/** Reads what `repo-ls` prints of an archive: the names of whole segments, sorted. */
export function parseListing(stdout: string): string[] {
  const paths = Object.keys(listingSchema.parse(JSON.parse(stdout)))
  return [...new Set(paths.flatMap((path) => segmentOfPath(path) ?? []))].sort()
}
