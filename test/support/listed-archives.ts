import type { Moment } from '../../src/domain/moment.ts'
import { Problem } from '../../src/domain/problem.ts'
import type { ArchiveStore } from '../../src/storage/archive-store.ts'
import { fakeArchives } from './fake/driver.ts'
import { newLife } from './fake/life.ts'
import { emptyWorld } from './fake/world.ts'

export interface ListedArchives {
  archives: ArchiveStore
  /** Segments by name, and when they were stored: of every archive. */
  stored: Map<string, Moment>
  /** While it is true the store does not answer. */
  isDown: boolean
}

export const SEGMENT_FILE_BYTES = 1000

/** A store whose archives all hold the WAL that a test says. */
export function listedArchives(stored: Record<string, Moment> = {}): ListedArchives {
  const listed: ListedArchives = {
    stored: new Map(Object.entries(stored)),
    isDown: false,
    archives: {
      ...fakeArchives(emptyWorld(), newLife()),
      async *files({ serverId }, { below = '', after = '' } = {}) {
        if (listed.isDown) throw new Problem('archive-unreachable')
        for (const [segment, modifiedAt] of [...listed.stored].sort()) {
          const path = `archive/${serverId}/15-1/${segment.slice(0, 16)}/${segment}-${'0'.repeat(40)}.lz4`
          if (path.startsWith(below) && path > after)
            yield { path, sizeBytes: SEGMENT_FILE_BYTES, modifiedAt }
        }
      },
    },
  }
  return listed
}
