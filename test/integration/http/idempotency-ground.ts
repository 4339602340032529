import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Api } from './test-api.ts'

export const withKey = (key: string = randomUUID()) => ({ 'idempotency-key': key })

export const rowOf = (api: Api, key: string) =>
  api.db.selectFrom('idempotency_key').selectAll().where('key', '=', key).executeTakeFirstOrThrow()

/** As if the process at it had ended: nobody has to wait for it any more. */
export const letLeaseEnd = (api: Api) =>
  sql`update idempotency_key set lease_until = now() - interval '1 second'`.execute(api.db)
