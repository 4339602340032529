import { z } from 'zod'
import type { DrillRow } from '../../db/schema.ts'
import type { DrillCheck } from '../../domain/drill.ts'
import { failureOf, Problem } from '../../domain/problem.ts'
import { dismantle } from '../dismantle.ts'
import { loadServer, type WorkDeps } from '../server-work.ts'
import { finish, type StepContext } from '../workflow.ts'
import { endDrill } from './progress.ts'

/** What the operations of a drill on its child hand on to each other. */
export const drillMemo = z.object({
  drillId: z.string(),
  restoreId: z.string(),
  attempts: z.int().default(0),
  /** Milliseconds since the epoch at which the present task began. */
  startedAt: z.number().default(0),
  checks: z.array(z.custom<DrillCheck>()).default([]),
  damagedBackups: z.int().default(0),
})

export type DrillMemo = z.infer<typeof drillMemo>
export type DrillContext = StepContext<DrillMemo, WorkDeps>

export async function loadDrill({ deps, tenantId, serverId, memo }: DrillContext) {
  const drill: DrillRow = await deps.db
    .selectFrom('drill')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', memo.drillId)
    .executeTakeFirstOrThrow()
  const [child, source] = await Promise.all([
    loadServer(deps, { tenantId, serverId }),
    loadServer(deps, { tenantId, serverId: drill.source_server_id }),
  ])
  return { drill, child, source }
}

/** Removes the child and ends the drill with what made its work fail. */
export async function abandon(context: DrillContext) {
  const { addonId, memo, inCommit } = context
  await dismantle(context)
  const failure = context.failure ?? failureOf(new Problem('internal-error'))
  const { drillId, restoreId } = memo
  inCommit((tx) => endDrill(tx, { drillId, restoreId, childAddonId: addonId, failure }))
  return finish()
}
