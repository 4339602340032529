import { z } from 'zod'
import { failureOf, Problem } from '../../domain/problem.ts'
import { parseSegment } from '../../domain/wal-segment.ts'
import { untilAdmitted } from '../../postgres/admission.ts'
import { makeRestorePoint } from '../../postgres/restore-point.ts'
import { failRestorePoint, type PointInWal, recordRestorePoint } from '../restore-point-progress.ts'
import { adminConnection, asAdmin, loadServer, type WorkDeps } from '../server-work.ts'
import { untilArchived } from '../until-archived.ts'
import { defineWorkflow, finish, go, wait } from '../workflow.ts'

const ADMITTED_SECONDS_MAX = 5
/** Of a second and more each. */
const ARCHIVED_POLLS_MAX = 150

const memo = z.object({
  restorePointId: z.string(),
  /** Counts the makings, so that each has a name of its own in WAL: a crash may leave one that nobody knows of. */
  makings: z.int().default(0),
  point: z.custom<PointInWal>().nullable().default(null),
  /** The segment that holds it. */
  segment: z.string().default(''),
  polls: z.int().default(0),
})

/** Makes a named place in a server's WAL to which it can be restored. Goes on beside other work on the server. */
export const createRestorePoint = defineWorkflow<WorkDeps>()({
  kind: 'restore-point.create',
  memo,
  start: 'name-point',
  onFailure: 'record-failure',
  timeLimitSeconds: 600,
  steps: {
    /** The name is committed before it is used, and is used once. */
    'name-point': {
      async run({ memo, remember }) {
        remember({ makings: memo.makings + 1 })
        return go('make-point')
      },
    },

    'make-point': {
      async run(context) {
        const { deps, memo, remember, attempt } = context
        // Another attempt cannot know how far the one before it came.
        if (attempt > 1) return go('name-point')
        const server = await loadServer(deps, context)
        const connection = adminConnection(deps, server)
        if (!(await untilAdmitted(connection, ADMITTED_SECONDS_MAX))) return wait(1)
        const walName = `${memo.restorePointId}-${memo.makings}`
        const { segment, ...made } = await asAdmin(deps, connection, (client) =>
          makeRestorePoint(client, walName),
        )
        remember({ point: { walName, timeline: parseSegment(segment).timeline, ...made }, segment })
        return go('await-archived')
      },
    },

    'await-archived': {
      async run(context) {
        const { deps, serverId, memo, remember, signal } = context
        const { point, segment, polls } = memo
        if (point === null) return go('name-point')
        const server = await loadServer(deps, context)
        const archive = { deps, server, which: 'own', archiveServerId: serverId } as const
        if (await untilArchived(archive, adminConnection(deps, server), segment, signal)) {
          context.inCommit((tx) => recordRestorePoint(tx, memo.restorePointId, point))
          return finish()
        }
        if (polls >= ARCHIVED_POLLS_MAX)
          throw new Problem('restore-point-failed', { detail: 'Its WAL was not archived in time.' })
        remember({ polls: polls + 1 })
        return wait(1)
      },
    },

    'record-failure': {
      async run(context) {
        const failure = context.failure ?? failureOf(new Problem('restore-point-failed'))
        context.inCommit((tx) => failRestorePoint(tx, context.memo.restorePointId, failure))
        return finish()
      },
    },
  },
})
