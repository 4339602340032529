import { z } from 'zod'
import { moment } from './text.ts'

const gap = z.object({
  afterSegment: z.string(),
  beforeSegment: z.string().nullable().describe('Null when the archive ends with the gap'),
  missingSegments: z.int(),
  from: moment.describe('WAL is complete up to here'),
  to: moment
    .nullable()
    .describe('From here on a later base backup makes up for the gap; null until there is one'),
})

export const recoveryWindowSchema = z
  .object({
    earliest: moment.nullable().describe('Null until the first backup is complete'),
    latest: moment
      .nullable()
      .describe('Now while the add-on is available; never beyond a gap that no backup has made up for'),
    lastCommit: moment.nullable().describe('Commit time of the last transaction seen in the archive'),
    archiveLagSeconds: z
      .number()
      .nullable()
      .describe('Age of the oldest WAL that waits to be archived; 0 when none waits, null while unknown'),
    gaps: z.array(gap).readonly().describe('WAL segments missing from the archive'),
    histories: z
      .array(z.object({ timeline: z.int(), from: moment }))
      .readonly()
      .describe('Timelines with a backup on them'),
    surveyedAt: moment.nullable().describe('When the files of the archive were last listed, to find gaps'),
    storedBytes: z.number().nullable().describe('What the files of the archive came to then'),
    observedAt: moment,
  })
  .meta({
    id: 'RecoveryWindow',
    examples: [
      {
        earliest: '2026-11-23T13:00:06.000000Z',
        latest: '2026-11-23T14:02:00.123456Z',
        lastCommit: '2026-11-23T14:01:12.004211Z',
        archiveLagSeconds: 47.9,
        gaps: [],
        histories: [{ timeline: 1, from: '2026-11-23T13:00:06.000000Z' }],
        surveyedAt: '2026-11-23T13:58:41.120000Z',
        storedBytes: 48_234_496,
        observedAt: '2026-11-23T14:02:00.123456Z',
      },
    ],
  })
