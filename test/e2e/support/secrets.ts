import { sql } from 'kysely'
import { findMasterKeys } from '../../../src/bin/key-files.ts'
import { loadConfig } from '../../../src/config/config.ts'
import type { Db } from '../../../src/db/client.ts'
import { type KeyRing, keyRing } from '../../../src/secrets/key-ring.ts'
import { sealedColumns } from '../../../src/secrets/sealed-columns.ts'

/** The ring that an Undrop of this environment has now. */
export async function keyRingOf(env: NodeJS.ProcessEnv): Promise<KeyRing> {
  return keyRing(await masterKeysOf(env))
}

async function masterKeysOf(env: NodeJS.ProcessEnv): Promise<[Buffer, ...Buffer[]]> {
  const keys = await findMasterKeys(loadConfig(env))
  if (keys === null) throw new Error('there is no master key')
  return keys
}

const SECRET_VARIABLES = ['UNDROP_PLATFORM_KEY', 'S3_SECRET_ACCESS_KEY'] as const

/** Every secret that an Undrop has, each with what it is: those of its environment, its key files and its metadata. */
export async function secretsOf(
  env: NodeJS.ProcessEnv,
  platformKey: string,
  db: Db,
): Promise<Map<string, string>> {
  const masterKeys = await masterKeysOf(env)
  const ring = keyRing(masterKeys)
  const secrets = new Map([[platformKey, 'the platform key']])
  for (const key of masterKeys) {
    secrets.set(key.toString('base64'), 'a master key')
    secrets.set(key.toString('hex'), 'a master key')
  }
  for (const name of SECRET_VARIABLES) {
    const value = env[name]
    if (value !== undefined) secrets.set(value, name)
  }
  for (const { table, idColumn, column, contextOf } of sealedColumns) {
    const { rows } = await sql<{ id: string; sealed: string }>`
      select ${sql.ref(idColumn)} as id, ${sql.ref(column)} as sealed from ${sql.table(table)}
       where ${sql.ref(column)} is not null`.execute(db)
    for (const { id, sealed } of rows)
      for (const secret of partsOf(openedOrNull(ring, sealed, contextOf(id))))
        secrets.set(secret, `${column} of ${id}`)
  }
  return secrets
}

/** A test may have put there what does not open. */
function openedOrNull(ring: KeyRing, sealed: string, context: string): string | null {
  try {
    return ring.open(sealed, context)
  } catch {
    return null
  }
}

/** Of keys of an object store, which are sealed as JSON, the secrets alone: their names are none. */
function partsOf(opened: string | null): string[] {
  if (opened === null) return []
  if (!opened.startsWith('{')) return [opened]
  return [...opened.matchAll(/"secretAccessKey":("(?:[^"\\]|\\.)*")/g)].map(
    ([, text = '""']) => JSON.parse(text) as string,
  )
}
