import type { Config } from '../config/config.ts'
import type { Db } from '../db/client.ts'
import { assertMasterKey, knownMasterKey } from '../db/master-key.ts'
import { type KeyRing, keyRing } from '../secrets/key-ring.ts'
import { sealedColumns } from '../secrets/sealed-columns.ts'
import { findMasterKeys, makeMasterKey, masterKeyFile } from './key-files.ts'

/**
 * The keys that seal secrets, held to what the metadata is sealed by. Only before the first start is a key made: a new
 * one would open nothing of what is there.
 * @throws Error when there is no key for metadata that is sealed, or another one
 */
export async function openKeyRing(config: Config, db: Db): Promise<KeyRing> {
  const found = await findMasterKeys(config)
  const ring = keyRing(found ?? (await keysOfFirstStart(config, db)))
  await assertMasterKey(db, ring.keyIds, sealedColumns)
  return ring
}

async function keysOfFirstStart(config: Config, db: Db): Promise<[Buffer, ...Buffer[]]> {
  const known = await knownMasterKey(db)
  if (known === undefined) return makeMasterKey(config)
  // Another process may have been first: it makes the file, and then notes the key.
  const found = await findMasterKeys(config)
  if (found !== null) return found
  throw new Error(
    `The metadata is sealed under the master key ${known}, and there is no ${masterKeyFile(config)}: ` +
      'bring the file back or set UNDROP_MASTER_KEY; nothing was changed',
  )
}
