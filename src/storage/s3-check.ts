import { randomUUID } from 'node:crypto'
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { Problem } from '../domain/problem.ts'
import { isDenied, isMissing, s3Problem } from './s3-problem.ts'

/** Rights that a key needs below a prefix, by the names of the actions that policies know. */
export type S3Right =
  | 's3:ListBucket'
  | typeof UNCONDITIONAL_LISTING
  | 's3:PutObject'
  | 's3:GetObject'
  | 's3:DeleteObject'
  | 's3:DeleteObject on the bucket (for deleting many at once)'
  | 's3:ListBucketMultipartUploads'

/**
 * Whether an object is missing is told only to who may list, and that question comes without a prefix: a condition on it
 * is never met, and pgBackRest, which looks for files that are not there yet, gets 403 for 404 (GetObject, S3 API).
 */
export const UNCONDITIONAL_LISTING = 's3:ListBucket without a condition on s3:prefix'

const CHECK_SECONDS_MAX = 15
/** No name of a tenant begins with a dot, so that it is never taken for one. */
const PROBE = '.undrop-check'

/**
 * Lists, writes, reads and deletes below the prefix, as archives will be.
 * @param root '' or a prefix that ends with a slash
 * @throws Problem `archive-unreachable` that names every right that is missing
 */
export async function checkRights(client: S3Client, bucket: string, root: string): Promise<void> {
  const missing = await missingRights(client, bucket, root)
  if (missing.length === 0) return
  const detail = `The access key lacks rights for the archives: ${missing.join(', ')}.`
  throw new Problem('archive-unreachable', { detail })
}

/**
 * The rights that a key lacks, found by trying.
 * @throws Problem `archive-unreachable` when the store does not answer, or refuses for another reason
 */
export async function missingRights(client: S3Client, bucket: string, root: string): Promise<S3Right[]> {
  const abortSignal = AbortSignal.timeout(CHECK_SECONDS_MAX * 1000)
  const object = { Bucket: bucket, Key: root + PROBE }
  const missing: S3Right[] = []
  const attempt = async (right: S3Right, answer: Promise<unknown>) => {
    const denied = await answer.then(() => false, deniedOnly)
    if (denied) missing.push(right)
  }
  const many = { Objects: [{ Key: object.Key }], Quiet: true }
  const below = { Bucket: bucket, Prefix: root }
  const list = new ListObjectsV2Command({ ...below, MaxKeys: 1 })
  await attempt('s3:ListBucket', client.send(list, { abortSignal }))
  await attempt('s3:PutObject', client.send(new PutObjectCommand({ ...object, Body: 'x' }), { abortSignal }))
  // Who may not list is not told either that an object is missing: only one that was written can be asked for.
  if (!missing.includes('s3:PutObject')) await attempt('s3:GetObject', read(client, object, abortSignal))
  if (missing.length === 0) {
    const absent = { ...object, Key: `${object.Key}-${randomUUID()}` }
    await attempt(UNCONDITIONAL_LISTING, read(client, absent, abortSignal))
  }
  await attempt('s3:DeleteObject', client.send(new DeleteObjectCommand(object), { abortSignal }))
  if (!missing.includes('s3:DeleteObject')) {
    const command = new DeleteObjectsCommand({ Bucket: bucket, Delete: many })
    await attempt(
      's3:DeleteObject on the bucket (for deleting many at once)',
      deleteMany(client, command, abortSignal),
    )
  }
  const uploads = new ListMultipartUploadsCommand({ ...below, MaxUploads: 1 })
  await attempt('s3:ListBucketMultipartUploads', client.send(uploads, { abortSignal }))
  return missing
}

async function read(client: S3Client, object: { Bucket: string; Key: string }, abortSignal: AbortSignal) {
  const { Body } = await client.send(new GetObjectCommand(object), { abortSignal })
  await Body?.transformToByteArray()
}

class KeyDenied extends Error {}

/** Refused keys are in an answer that is a success otherwise. */
async function deleteMany(client: S3Client, command: DeleteObjectsCommand, abortSignal: AbortSignal) {
  const { Errors = [] } = await client.send(command, { abortSignal })
  if (Errors.length > 0) throw new KeyDenied(Errors[0]?.Code)
}

function deniedOnly(cause: unknown): boolean {
  // It was never there, or somebody else who checks has removed it meanwhile.
  if (isMissing(cause)) return false
  if (cause instanceof KeyDenied || isDenied(cause)) return true
  throw s3Problem(cause, 'what is tried before archives are kept there')
}
