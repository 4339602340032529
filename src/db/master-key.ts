import type { Db } from './client.ts'

/**
 * Makes sure that secrets can be opened, before anything is served: the first start notes by which key they are sealed.
 * @throws Error when the metadata was sealed under another key
 */
export async function assertMasterKey(db: Db, keyId: string): Promise<void> {
  await db
    .insertInto('master_key')
    .values({ key_id: keyId })
    .onConflict((conflict) => conflict.column('only_one').doNothing())
    .execute()
  const known = await db.selectFrom('master_key').select('key_id').executeTakeFirstOrThrow()
  if (known.key_id !== keyId)
    throw new Error(
      'The metadata is sealed under another master key: set UNDROP_MASTER_KEY, or bring back the file master-key',
    )
}
