import type { Db } from '../db/client.ts'
import { findDueCredentials } from '../db/credential-work.ts'
import { openOperation } from './open.ts'

/** Opens work on credentials that nobody is at: old logins whose time is over, and what has failed. */
export async function openCredentialWork(db: Db, limit: number): Promise<void> {
  for (const { credentialId, ...server } of await findDueCredentials(db, limit))
    await openOperation(db, {
      ...server,
      kind: 'credential.apply',
      memo: { credentialId },
      exclusive: false,
    })
}
