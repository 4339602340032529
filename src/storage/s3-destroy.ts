import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3'
import { Problem } from '../domain/problem.ts'
import { isMissing, s3Problem } from './s3-problem.ts'

const NOT_DELETED = 'The object store does not delete objects of the archive.'

/**
 * Removes every object below a prefix and every upload that was never finished, and ends only when a listing finds
 * neither. What somebody adds meanwhile is removed as well.
 * @throws Problem `archive-unreachable`
 */
export async function emptyPrefix(client: S3Client, bucket: string, prefix: string): Promise<void> {
  const query = { Bucket: bucket, Prefix: prefix }
  // Uploads first: one that is finished meanwhile is an object then, and found as such.
  await abortUploads(client, query)
  // Each page is the first one, as those before it are gone. An empty one is the proof.
  for (let deleted: string | undefined; ; ) {
    const page = await asked('listing', client.send(new ListObjectsV2Command(query)))
    const first = page.Contents?.[0]?.Key
    if (first === undefined) break
    if (first === deleted) throw new Problem('archive-unreachable', { detail: NOT_DELETED })
    await deletePage(client, bucket, page)
    deleted = first
  }
  if (await abortUploads(client, query)) return emptyPrefix(client, bucket, prefix)
}

/** Whether there were any. */
async function abortUploads(client: S3Client, query: { Bucket: string; Prefix: string }): Promise<boolean> {
  for (let found = false; ; found = true) {
    const page = await asked('listing uploads', client.send(new ListMultipartUploadsCommand(query)))
    const uploads = page.Uploads ?? []
    if (uploads.length === 0) return found
    for (const { Key, UploadId } of uploads) {
      const abort = new AbortMultipartUploadCommand({ Bucket: query.Bucket, Key, UploadId })
      await asked('deleting', client.send(abort).catch(ifMissing))
    }
  }
}

async function deletePage(
  client: S3Client,
  bucket: string,
  { Contents = [] }: ListObjectsV2CommandOutput,
): Promise<void> {
  const Objects = Contents.map(({ Key }) => ({ Key }))
  const request = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } })
  const { Errors = [] } = await asked('deleting', client.send(request))
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

const asked = <Answer>(doing: string, answer: Promise<Answer>): Promise<Answer> =>
  answer.catch((cause: unknown) => {
    throw s3Problem(cause, doing)
  })
