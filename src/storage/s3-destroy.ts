import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3'
import { Problem } from '../domain/problem.ts'
import { ANSWER_SECONDS_MAX, asked } from './s3-client.ts'
import { isMissing } from './s3-problem.ts'

const NOT_DELETED = 'The object store does not delete objects of the archive.'

/**
 * Removes every object below a prefix and every upload that was never finished, and ends only when a listing finds
 * neither. What somebody adds meanwhile is removed as well.
 * @param answerSeconds how long each request may take
 * @throws Problem `archive-unreachable`
 */
export async function emptyPrefix(
  client: S3Client,
  bucket: string,
  prefix: string,
  answerSeconds = ANSWER_SECONDS_MAX,
): Promise<void> {
  const query = { Bucket: bucket, Prefix: prefix }
  // Uploads first: one that is finished meanwhile is an object then, and found as such.
  await abortUploads(client, query, answerSeconds)
  // Each page is the first one, as those before it are gone. An empty one is the proof.
  for (let deleted: string | undefined; ; ) {
    const page = await asked(
      'listing',
      (options) => client.send(new ListObjectsV2Command(query), options),
      answerSeconds,
    )
    const first = page.Contents?.[0]?.Key
    if (first === undefined) break
    if (first === deleted) throw new Problem('archive-unreachable', { detail: NOT_DELETED })
    await deletePage(client, bucket, page, answerSeconds)
    deleted = first
  }
  if (await abortUploads(client, query, answerSeconds))
    return emptyPrefix(client, bucket, prefix, answerSeconds)
}

/** Whether there were any. */
async function abortUploads(
  client: S3Client,
  query: { Bucket: string; Prefix: string },
  answerSeconds: number,
): Promise<boolean> {
  for (let found = false; ; found = true) {
    const command = new ListMultipartUploadsCommand(query)
    const page = await asked('listing uploads', (options) => client.send(command, options), answerSeconds)
    const uploads = page.Uploads ?? []
    if (uploads.length === 0) return found
    for (const { Key, UploadId } of uploads) {
      const abort = new AbortMultipartUploadCommand({ Bucket: query.Bucket, Key, UploadId })
      await asked('deleting', (options) => client.send(abort, options).catch(ifMissing), answerSeconds)
    }
  }
}

async function deletePage(
  client: S3Client,
  bucket: string,
  { Contents = [] }: ListObjectsV2CommandOutput,
  answerSeconds: number,
): Promise<void> {
  const Objects = Contents.map(({ Key }) => ({ Key }))
  const request = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } })
  const { Errors = [] } = await asked('deleting', (options) => client.send(request, options), answerSeconds)
  const [error] = Errors
  // Keys that are gone by now are no errors; any other would be tried again for ever.
  if (error !== undefined) {
    const detail = error.Code === 'AccessDenied' ? 'The access key has no right for deleting.' : NOT_DELETED
    throw new Problem('archive-unreachable', { detail, cause: new Error(`${error.Code}: ${error.Message}`) })
  }
}

function ifMissing(cause: unknown): void {
  if (!isMissing(cause)) throw cause
}
