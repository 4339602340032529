import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import {
  CreateBucketCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { inject } from 'vitest'
import { addS3User, ownerClient, type S3Access } from '../../src/bin/demo/s3-server.ts'
import type { StorageKey } from '../../src/domain/repository.ts'
import type { S3Place } from '../../src/storage/s3-client.ts'
import { emptyPrefix } from '../../src/storage/s3-destroy.ts'
import type {} from './global-s3.ts'

/** A bucket of a test's own on an object store, and its owner. */
export interface S3Ground {
  place: S3Place
  ownerKey: StorageKey
  owner: S3Client
  /** Makes objects of that many bytes. */
  put(objects: Record<string, number>): Promise<void>
  removeBelow(prefix: string): Promise<void>
  /** A new user, who may do in the bucket what these say, and nothing else. */
  userWho(statements: readonly Statement[]): Promise<StorageKey>
}

/** Resources are of the bucket: '' is the bucket itself, and a pattern such as `/prefix/*` is of objects in it. */
export interface Statement {
  effect?: 'Allow' | 'Deny'
  actions: string[]
  resource: string
  condition?: object
}

/** The object store that the project of the tests has. */
export function s3Access(): S3Access {
  const access = inject('s3')
  if (access === undefined) throw new Error('BUG: the project has no object store')
  return access
}

export async function s3Ground({ prefix = '', access = s3Access() } = {}): Promise<S3Ground> {
  const bucket = `test-${randomUUID()}`
  const certificateAuthorities = await readFile(access.caFile, 'utf8')
  const owner = ownerClient(access, certificateAuthorities)
  await owner.send(new CreateBucketCommand({ Bucket: bucket }))
  const policy: object[] = []

  return {
    place: {
      endpoint: access.endpoint,
      region: 'us-east-1',
      bucket,
      prefix,
      pathStyle: true,
      certificateAuthorities,
    },
    ownerKey: access.key,
    owner,

    async put(objects) {
      const left = Object.entries(objects)
      const one = async () => {
        for (let next = left.pop(); next !== undefined; next = left.pop())
          await owner.send(
            new PutObjectCommand({
              Bucket: bucket,
              Key: next[0],
              Body: Buffer.alloc(next[1]),
              ContentLength: next[1],
            }),
          )
      }
      await Promise.all(Array.from({ length: 8 }, one))
    },

    removeBelow: (below) => emptyPrefix(owner, bucket, below),

    async userWho(statements) {
      const name = `user-${randomUUID()}`
      const key = await addS3User(access, name)
      const Principal = { AWS: [`arn:aws:iam:::user/${name}`] }
      for (const { effect: Effect = 'Allow', actions: Action, resource, condition } of statements) {
        const Resource = [`arn:aws:s3:::${bucket}${resource}`]
        policy.push({ Effect, Principal, Action, Resource, ...(condition && { Condition: condition }) })
      }
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement: policy })
      if (policy.length > 0) await owner.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
      return key
    },
  }
}
