import { findApiKeyIn } from '../db/api-keys.ts'
import { type AuditFilter, type AuditRow, readAuditLog as readRows } from '../db/audit-log.ts'
import { isId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { type Caller, scopeOf } from './caller.ts'
import { pageOf } from './page.ts'
import type { ServiceDeps } from './service-deps.ts'

const PREFIX = 'aud_'

/** The number an id of an entry stands for; null when it is none. */
export function numberOfEntry(id: string): number | null {
  const number = /^aud_\d{1,15}$/.test(id) ? Number(id.slice(PREFIX.length)) : 0
  return number > 0 ? number : null
}

/**
 * Who did what, the newest first. A tenant sees what was done to it, by its own keys and by the platform.
 * @param before only entries older than that one
 * @throws Problem `tenant-not-found`, `api-key-not-found`
 */
export async function readAuditLog(
  { db }: Pick<ServiceDeps, 'db'>,
  caller: Caller,
  { tenantId, ...filter }: AuditFilter & { tenantId?: string | undefined },
  { before, limit }: { before: number | undefined; limit: number },
) {
  const scope = scopeOf(caller, tenantId)
  const { apiKeyId } = filter
  if (
    apiKeyId !== undefined &&
    !(isId('apiKey', apiKeyId) && (await findApiKeyIn(db, scopeOf(caller), apiKeyId)))
  )
    throw new Problem('api-key-not-found')
  const rows = await readRows(db, scope, filter, { before, limit: limit + 1 })
  const entries = rows.map((row) => entryView(row, caller))
  return pageOf(entries, { limit, after: undefined }, (entry) => entry)
}

/** Which of its people and machines act for it is the platform's own business. */
function entryView(row: AuditRow, caller: Caller) {
  const isTenants = row.api_key_id !== null && row.key_tenant_id !== null
  const isShown = isTenants || caller.tenantId === null
  return {
    id: `${PREFIX}${row.id}`,
    at: row.created_at,
    tenantId: row.tenant_id,
    actor: {
      kind: isTenants ? ('tenant' as const) : ('platform' as const),
      apiKeyId: isShown ? row.api_key_id : null,
      keyName: isShown ? row.key_name : null,
    },
    sourceAddress: isShown ? row.source_address : null,
    requestId: isShown ? row.request_id : null,
    action: row.action,
    resourceId: row.resource_id,
    detail: row.detail,
    before: row.before,
    after: row.after,
  }
}
