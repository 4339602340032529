import { getArchived } from '../../db/servers.ts'
import { Problem } from '../../domain/problem.ts'
import { diskBytesFor } from '../../domain/restore-plan.ts'
import { parseSegment } from '../../domain/wal-segment.ts'
import type { WorkDeps } from '../server-work.ts'

const MEGABYTE = 1024 * 1024

/**
 * Refuses a restore that the disk has no room for, before it takes any of it.
 * @throws Problem `insufficient-disk-space`
 */
export async function assertRoom(
  deps: WorkDeps,
  childServerId: string,
  sourceServerId: string,
  base: { sizeBytes: number | null; startSegment: string },
): Promise<void> {
  const { lastSegment } = await getArchived(deps.db, sourceServerId)
  const neededBytes = diskBytesFor(base.sizeBytes ?? 0, segmentsFrom(base.startSegment, lastSegment))
  const { freeBytes } = await deps.driver.diskSpace(childServerId)
  if (freeBytes >= neededBytes) return
  throw new Problem('insufficient-disk-space', {
    detail: `The restore takes ${megabytes(neededBytes)} MB of disk.`,
    cause: `${megabytes(freeBytes)} MB are free`,
  })
}

/** Up to the last one that is known to be archived, at most the whole archive is fetched. */
function segmentsFrom(startSegment: string, lastSegment: string | null): number {
  if (lastSegment === null) return 1
  return Math.max(parseSegment(lastSegment).number - parseSegment(startSegment).number + 1, 1)
}

const megabytes = (bytes: number) => Math.ceil(bytes / MEGABYTE)
