import { ListMultipartUploadsCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { emptyPrefix } from '../../../src/storage/s3-destroy.ts'

test('a store that says it deleted and did not is not believed, and not asked for ever', async () => {
  const send = async (command: unknown) => {
    if (command instanceof ListMultipartUploadsCommand) return { Uploads: [] }
    return command instanceof ListObjectsV2Command ? { Contents: [{ Key: 'archive/one' }] } : {}
  }
  const client = { send } as unknown as S3Client
  await expect(emptyPrefix(client, 'bucket', 'archive/')).rejects.toMatchObject({
    code: 'archive-unreachable',
    detail: 'The object store does not delete objects of the archive.',
  })
})
