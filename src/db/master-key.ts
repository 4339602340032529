import type { Db, Executor } from './client.ts'
import { keyIdsInUse, type SealedColumn } from './sealed-columns.ts'

/** The id of the key that the metadata is sealed by; undefined before the first start. */
export async function knownMasterKey(db: Executor): Promise<string | undefined> {
  return (await db.selectFrom('master_key').select('key_id').executeTakeFirst())?.key_id
}

/**
 * Makes sure that secrets can be opened, before anything is served: the first start notes by which key they are sealed,
 * and later ones need all the keys that anything is sealed by.
 * @param keyIds of the ring, the one that seals first
 * @throws Error when something in the metadata is sealed by a key that is not in the ring
 */
export async function assertMasterKey(
  db: Db,
  [sealing, ...further]: readonly [string, ...string[]],
  columns: readonly SealedColumn[],
): Promise<void> {
  await db
    .insertInto('master_key')
    .values({ key_id: sealing })
    .onConflict((conflict) => conflict.column('only_one').doNothing())
    .execute()
  const known = await knownMasterKey(db)
  const inUse = await Promise.all(columns.map((column) => keyIdsInUse(db, column)))
  const needed = new Set([...(known === undefined ? [] : [known]), ...inUse.flat()])
  const missing = [...needed].filter((keyId) => keyId !== sealing && !further.includes(keyId))
  if (missing.length > 0)
    throw new Error(
      `The metadata is sealed under another master key: the key ${missing.sort().join(', ')} is missing from the ring. ` +
        'Set UNDROP_MASTER_KEY or UNDROP_OLD_MASTER_KEYS, or bring back the file master-key; nothing was changed',
    )
}

/** Notes that everything is sealed by this key. */
export async function noteMasterKey(tx: Executor, keyId: string): Promise<void> {
  await tx.updateTable('master_key').set({ key_id: keyId }).execute()
}
