import { readFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { BucketAlreadyOwnedByYou, CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'

// Makes the bucket for docker-compose.yml, as soon as the store answers.

const RETRY_SECONDS = 1
const GIVE_UP_SECONDS = 120

const { S3_ENDPOINT, S3_REGION, S3_BUCKET, S3_CA_FILE } = process.env
const { S3_ACCESS_KEY_ID = '', S3_SECRET_ACCESS_KEY = '' } = process.env
const ca = S3_CA_FILE === undefined ? undefined : await readFile(S3_CA_FILE)
const client = new S3Client({
  ...(S3_ENDPOINT !== undefined && { endpoint: S3_ENDPOINT }),
  region: S3_REGION ?? 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId: S3_ACCESS_KEY_ID, secretAccessKey: S3_SECRET_ACCESS_KEY },
  requestHandler: { httpsAgent: new Agent({ ca }) },
})

const giveUpAt = Date.now() + GIVE_UP_SECONDS * 1000
for (;;) {
  try {
    await client.send(new CreateBucketCommand({ Bucket: S3_BUCKET }))
    break
  } catch (error) {
    if (error instanceof BucketAlreadyOwnedByYou) break
    if (Date.now() > giveUpAt) throw error
    await delay(RETRY_SECONDS * 1000)
  }
}
