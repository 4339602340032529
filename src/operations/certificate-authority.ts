import { randomUUID } from 'node:crypto'
import {
  type AuthorityRecord,
  addFirstAuthority,
  findSigningAuthority,
} from '../db/certificate-authorities.ts'
import type { Executor } from '../db/client.ts'
import { type Authority, makeAuthority } from '../secrets/certificates.ts'
import { type KeyRing, sealContext } from '../secrets/key-ring.ts'

/** The authority that signs, made where there is none yet: of all processes that do so at once, all get the same. */
export async function signingAuthority(db: Executor, keyRing: KeyRing): Promise<AuthorityRecord> {
  const found = await findSigningAuthority(db)
  if (found !== undefined) return found
  await addFirstAuthority(db, await newAuthority(keyRing))
  const added = await findSigningAuthority(db)
  if (added === undefined) throw new Error('BUG: no authority signs')
  return added
}

export async function newAuthority(keyRing: KeyRing, now = new Date()): Promise<AuthorityRecord> {
  const id = randomUUID()
  const { certificate, key } = await makeAuthority(now)
  return { id, certificate, keySealed: keyRing.seal(key, sealContext.authorityKey(id)) }
}

/** @throws Problem `secret-unreadable` */
export function openAuthority(keyRing: KeyRing, { id, certificate, keySealed }: AuthorityRecord): Authority {
  return { certificate, key: keyRing.open(keySealed, sealContext.authorityKey(id)) }
}
