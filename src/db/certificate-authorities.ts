import { sql } from 'kysely'
import type { Executor, Tx } from './client.ts'

/** An authority with its key, which is sealed. */
export interface AuthorityRecord {
  id: string
  /** PEM. */
  certificate: string
  keySealed: string
}

/** The authority that signs; undefined before the first start of a worker. */
export function findSigningAuthority(db: Executor): Promise<AuthorityRecord | undefined> {
  return db
    .selectFrom('certificate_authority')
    .select(['id', 'certificate', 'key_sealed as keySealed'])
    .where('signs', '=', true)
    .executeTakeFirst()
}

/** Adds the authority that signs, unless there is one: of several that are made at once, one stays. */
export async function addFirstAuthority(db: Executor, authority: AuthorityRecord): Promise<void> {
  await insert(db, authority, true)
    .onConflict((conflict) => conflict.column('signs').where('signs', '=', true).doNothing())
    .execute()
}

/** Adds an authority that is trusted and does not sign. */
export async function addTrustedAuthority(db: Executor, authority: AuthorityRecord): Promise<void> {
  await insert(db, authority, false).execute()
}

function insert(db: Executor, { id, certificate, keySealed }: AuthorityRecord, signs: boolean) {
  return db.insertInto('certificate_authority').values({ id, certificate, key_sealed: keySealed, signs })
}

/** Nobody else adds, changes or removes one until the transaction ends; reading them goes on. */
export async function lockAuthorities(tx: Tx): Promise<void> {
  await sql`lock table certificate_authority in share row exclusive mode`.execute(tx)
}

/** Has the newest authority sign from now on. */
export async function signByNewestAuthority(tx: Tx): Promise<void> {
  await sql`update certificate_authority set signs = false where signs`.execute(tx)
  await sql`
    update certificate_authority set signs = true
     where id = (select id from certificate_authority order by created_at desc, id desc limit 1)`.execute(tx)
}

export async function countAuthorities(db: Executor): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) from certificate_authority`.execute(db)
  return rows[0]?.count ?? 0
}

/** Removes all authorities but the one that signs. Returns their ids. */
export async function removeOtherAuthorities(tx: Tx): Promise<string[]> {
  const others = tx.deleteFrom('certificate_authority').where('signs', '=', false)
  return (await others.returning('id').execute()).map(({ id }) => id)
}

/** What clients are to trust, as PEM, one certificate after the other; '' before there is any. */
export async function caCertificates(db: Executor): Promise<string> {
  const { rows } = await sql<{ certificate: string }>`
    select certificate from ca_certificates() as certificate`.execute(db)
  return rows.map(({ certificate }) => certificate).join('')
}
