import { randomUUID } from 'node:crypto'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { Problem } from '../domain/problem.ts'
import type { StorageKey, TenantStorageKeys } from '../domain/repository.ts'
import { missingRights, UNCONDITIONAL_LISTING } from './s3-check.ts'
import { type S3Place, s3Client } from './s3-client.ts'
import { isDenied, isMissing, isOutage, s3Problem } from './s3-problem.ts'

/** Prefixes that end with a slash; that of Undrop is '' where it has the whole bucket. */
interface Prefixes {
  root: string
  tenant: string
}

interface Probe {
  Bucket: string
  Key: string
}

/** Whether the client may do that: denied is an answer and so is missing, anything else that goes wrong is not. */
type May = (client: S3Client, object: Probe) => Promise<boolean>

/**
 * Tries the keys of a tenant: the read-write key has to list, write, read and delete below its prefix, the read-only one
 * to list and read there, and no more. What is written for it is removed again.
 * @param own a client with Undrop's own key
 * @returns what the keys can do outside of that prefix, which not every store can prevent
 * @throws Problem `storage-keys-refused`; `archive-unreachable` when Undrop itself cannot use the store
 */
export async function checkTenantKeys(
  place: S3Place,
  own: S3Client,
  { root, tenant }: Prefixes,
  { readWrite, readOnly }: TenantStorageKeys,
): Promise<string[]> {
  const name = `.undrop-check-${randomUUID()}`
  const inside = { Bucket: place.bucket, Key: tenant + name }
  const outside = { Bucket: place.bucket, Key: root + name }
  try {
    for (const probe of [inside, outside])
      await ownDoes(own.send(new PutObjectCommand({ ...probe, Body: 'check' })))
    const warnings = await withClient(place, readWrite, 'read-write', async (client) => {
      assertNoneMissing('read-write', tenant, await missingToWrite(client, place.bucket, tenant))
      return excess('read-write', client, outside)
    })
    if (readOnly === null) return warnings
    return await withClient(place, readOnly, 'read-only', async (client) => {
      await assertReadsOnly(client, inside, tenant)
      return [...warnings, ...(await excess('read-only', client, outside))]
    })
  } finally {
    for (const probe of [inside, outside]) await ownDoes(own.send(new DeleteObjectCommand(probe)))
  }
}

type KeyName = 'read-write' | 'read-only'

/** What Undrop alone needs is left out: it is Undrop that removes archives, with uploads that never ended. */
async function missingToWrite(client: S3Client, bucket: string, tenant: string): Promise<string[]> {
  const missing = await missingRights(client, bucket, tenant)
  return missing.filter((right) => right !== 's3:ListBucketMultipartUploads')
}

async function assertReadsOnly(client: S3Client, inside: Probe, tenant: string): Promise<void> {
  const missing = [
    ...((await mayList(client, { ...inside, Key: tenant })) ? [] : ['s3:ListBucket']),
    ...((await mayRead(client, inside)) ? [] : ['s3:GetObject']),
  ]
  if (missing.length === 0 && !(await mayRead(client, absentBeside(inside))))
    missing.push(UNCONDITIONAL_LISTING)
  assertNoneMissing('read-only', tenant, missing)
  if (await mayWrite(client, inside)) throw refused(`The read-only key may write below ${tenant}.`)
  if (await mayDelete(client, inside)) throw refused(`The read-only key may delete below ${tenant}.`)
}

function assertNoneMissing(name: KeyName, tenant: string, missing: readonly string[]): void {
  if (missing.length > 0)
    throw refused(`The ${name} key lacks rights below ${tenant}: ${missing.join(', ')}.`)
}

/** What a key can do to what is none of the tenant's. */
async function excess(name: KeyName, client: S3Client, outside: Probe): Promise<string[]> {
  const can: [string, May][] = [
    ['list names', mayListAny],
    ['read', mayRead],
    ['write', mayWrite],
    ['delete', (client, probe) => mayDelete(client, absentBeside(probe))],
  ]
  const warnings: string[] = []
  for (const [what, may] of can)
    if (await may(client, outside))
      warnings.push(`The ${name} key can ${what} outside of the tenant's prefix.`)
  return warnings
}

const absentBeside = (probe: Probe): Probe => ({ ...probe, Key: `${probe.Key}-${randomUUID()}` })

const mayList: May = (client, { Bucket, Key }) =>
  may(client.send(new ListObjectsV2Command({ Bucket, Prefix: Key, MaxKeys: 1 })))
/** A condition on the prefix may forbid those of others, and allow to ask for none. */
const mayListAny: May = async (client, { Bucket, Key }) =>
  (await mayList(client, { Bucket, Key })) || (await mayList(client, { Bucket, Key: '' }))
const mayRead: May = (client, object) =>
  may(client.send(new GetObjectCommand(object)).then(({ Body }) => Body?.transformToByteArray()))
const mayWrite: May = (client, object) => may(client.send(new PutObjectCommand({ ...object, Body: 'check' })))
const mayDelete: May = (client, object) => may(client.send(new DeleteObjectCommand(object)))

function may(answer: Promise<unknown>): Promise<boolean> {
  return answer.then(
    () => true,
    (cause: unknown) => {
      if (isDenied(cause)) return false
      if (isMissing(cause)) return true
      throw s3Problem(cause, 'what is tried with the key')
    },
  )
}

/** A key that the store does not know, or whose secret is wrong, is refused like one that may not do enough. */
async function withClient<Result>(
  place: S3Place,
  key: StorageKey,
  name: KeyName,
  use: (client: S3Client) => Promise<Result>,
): Promise<Result> {
  const client = s3Client(place, key)
  try {
    return await use(client)
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'archive-unreachable' || isOutage(error)) throw error
    throw refused(`The ${name} key is refused: ${error.detail}`, error)
  } finally {
    client.destroy()
  }
}

const ownDoes = (answer: Promise<unknown>) =>
  answer.catch((cause: unknown) => {
    throw s3Problem(cause, 'writing and deleting')
  })

function refused(detail: string, cause?: unknown): Problem {
  return new Problem('storage-keys-refused', { detail, cause })
}
