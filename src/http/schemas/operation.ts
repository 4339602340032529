import { z } from 'zod'
import { failureSchema } from './failure.ts'
import { moment } from './text.ts'

const example = {
  id: 'op_01kas0d8w8e5h9xw2c5a9t7b3k',
  tenantId: 'tnt_01kas0d8w8e5h9xw2c5a9t7b3k',
  addonId: 'addon_01kas0d8w8e5h9xw2c5a9t7b3k',
  kind: 'backup.take',
  status: 'running',
  step: 'await-backup',
  cancelRequested: false,
  failure: null,
  createdAt: '2026-11-23T13:00:02.345678Z',
  startedAt: '2026-11-23T13:00:02.356789Z',
  finishedAt: null,
}

const operation = z.object({
  id: z.string(),
  tenantId: z.string(),
  addonId: z.string(),
  kind: z.enum([
    'addon.provision',
    'server.protect',
    'backup.take',
    'archive.expire',
    'archive.purge',
    'restore-point.create',
    'credential.apply',
    'drill.verify',
    'drill.check',
    'restore.run',
    'addon.delete',
  ]),
  status: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
  step: z.string().describe('Where the work is; steps may be renamed at any time'),
  cancelRequested: z.boolean(),
  failure: failureSchema.nullable(),
  createdAt: moment,
  startedAt: moment.nullable(),
  finishedAt: moment.nullable(),
})

export const operationSchema = operation.meta({ id: 'Operation', examples: [example] })

const step = z.object({ step: z.string(), enteredAt: moment, leftAt: moment.nullable(), attempts: z.int() })

export const operationWithStepsSchema = operation.extend({ steps: z.array(step) }).meta({
  id: 'OperationWithSteps',
  examples: [
    {
      ...example,
      steps: [{ step: 'await-backup', enteredAt: '2026-11-23T13:00:02.356789Z', leftAt: null, attempts: 1 }],
    },
  ],
})
