import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { addS3User, ownerClient, type S3Access } from '../../src/bin/demo/s3-server.ts'
import type { StorageKey } from '../../src/domain/repository.ts'
import * as api from './client/sdk.gen.ts'
import { metadata } from './support/admin.ts'
import { archiveSegment, type ServerFiles, serverBehind } from './support/server-files.ts'
import {
  aProtectedAddon,
  aTenant,
  clockOf,
  ok,
  query,
  reveal,
  until,
  untilFinished,
} from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

/** A tenant with users of the object store that may do what its servers need, below its prefix alone. */
interface KeyedTenant {
  id: string
  readWrite: StorageKey
  readOnly: StorageKey
}

let undrop: Undrop
let s3: S3Access
let bucket: string
let owner: S3Client
let one: KeyedTenant
let other: KeyedTenant
/** Is given its keys when it has an add-on already. */
let late: KeyedTenant
let unlimited: StorageKey
beforeAll(async () => {
  const access = inject('s3')
  if (access === undefined) throw new Error('this test needs an object store')
  s3 = access
  undrop = await startUndrop()
  bucket = undrop.env['S3_BUCKET'] ?? ''
  owner = await clientWith(s3.key)
  const statements: object[] = []
  one = await keyedTenant(statements)
  other = await keyedTenant(statements)
  late = await keyedTenant(statements)
  unlimited = await addS3User(s3, 'unlimited')
  statements.push(allow('unlimited', ['s3:*'], bucket), allow('unlimited', ['s3:*'], `${bucket}/*`))
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: statements })
  await owner.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
})
afterAll(() => undrop.remove())

const clientWith = async (key: StorageKey) =>
  ownerClient({ endpoint: s3.endpoint, key: { ...key } }, await readFile(s3.caFile, 'utf8'))

/** @param policy takes what the bucket is to allow */
async function keyedTenant(policy: object[]): Promise<KeyedTenant> {
  const id = await aTenant(undrop)
  const names = { readWrite: `rw-${randomUUID()}`, readOnly: `ro-${randomUUID()}` }
  const write = ['s3:PutObject', 's3:GetObject', 's3:DeleteObject', 's3:AbortMultipartUpload']
  policy.push(
    allow(names.readWrite, write, `${bucket}/${id}/*`),
    // Deleting many at once asks for it on the bucket; each key is still checked.
    allow(names.readWrite, ['s3:ListBucket', 's3:DeleteObject'], bucket),
    allow(names.readOnly, ['s3:GetObject'], `${bucket}/${id}/*`),
    allow(names.readOnly, ['s3:ListBucket'], bucket),
  )
  return {
    id,
    readWrite: await addS3User(s3, names.readWrite),
    readOnly: await addS3User(s3, names.readOnly),
  }
}

const allow = (user: string, actions: string[], resource: string) => ({
  Effect: 'Allow',
  Principal: { AWS: [`arn:aws:iam:::user/${user}`] },
  Action: actions,
  Resource: [`arn:aws:s3:::${resource}`],
})

const setKeys = (tenantId: string, { accessKeyId, secretAccessKey }: StorageKey, readOnly?: StorageKey) =>
  api.setStorageKeys({
    client: undrop.client,
    path: { tenantId },
    body: { accessKeyId, secretAccessKey, ...(readOnly && { readOnly }) },
  })

const keyIn = (conf: string) => /^repo1-s3-key=(.*)$/m.exec(conf)?.[1]

const keyOf = async ({ configFile }: ServerFiles) => keyIn(await readFile(configFile, 'utf8'))

/** The key that a restore of the add-on reads with, seen while it goes on; and the child. */
async function restoreWatched(addonId: string, time: string) {
  const { client } = undrop
  const restore = await ok(api.createRestore({ client, path: { addonId }, body: { target: { time } } }))
  const [child] = await metadata<{ serverId: string }>(
    undrop,
    `select child_server_id as "serverId" from undrop.restore where id = '${restore.id}'`,
  )
  const file = join(undrop.directory, 'servers', child?.serverId ?? '', 'conf/source.conf')
  let conf = ''
  await until(async () => {
    conf = await readFile(file, 'utf8').catch(() => '')
    return conf !== ''
  }, 'the child to be told of its source')
  const { status, failure } = await untilFinished(undrop, restore.id)
  expect(status, JSON.stringify(failure)).toBe('succeeded')
  const login = await reveal(undrop, restore.childAddonId)
  return { readsWith: keyIn(conf), login }
}

test('with keys that are limited to their prefixes two tenants are backed up and restored, each by its own', async () => {
  for (const tenant of [one, other]) {
    const { id, readWrite, readOnly } = tenant
    expect(await ok(setKeys(id, readWrite, readOnly))).toEqual({
      readWriteAccessKeyId: readWrite.accessKeyId,
      readOnlyAccessKeyId: readOnly.accessKeyId,
      // Below one bucket there is no listing that is held to a prefix.
      warnings: [
        "The read-write key can list names outside of the tenant's prefix.",
        "The read-only key can list names outside of the tenant's prefix.",
      ],
    })
    const addon = await aProtectedAddon(undrop, id)
    await query(addon.login.url, 'create table kept as select 1 as n')
    expect(await keyOf(await serverBehind(undrop, id, addon.login.url))).toBe(readWrite.accessKeyId)
    const { readsWith, login } = await restoreWatched(addon.id, await clockOf(addon.login.url))
    expect(await query(login.url, 'select n from kept')).toEqual([{ n: 1 }])
    expect(readsWith).toBe(readOnly.accessKeyId)
    const child = await serverBehind(undrop, id, login.url)
    await until(
      async () => (await keyOf(child).catch(() => null)) === readWrite.accessKeyId,
      'its own archive',
    )
  }
})

test('the keys of one tenant do not open the archives of another, and the read-only one does not write', async () => {
  const { Contents = [] } = await owner.send(
    new ListObjectsV2Command({ Bucket: bucket, Prefix: `${other.id}/` }),
  )
  const Key = Contents[0]?.Key
  expect(Key).toContain(other.id)
  const denied = { name: 'AccessDenied' }
  for (const key of [one.readWrite, one.readOnly]) {
    const client = await clientWith(key)
    await expect(client.send(new GetObjectCommand({ Bucket: bucket, Key }))).rejects.toMatchObject(denied)
  }
  const object = { Bucket: bucket, Key: `${one.id}/note`, Body: 'note' }
  const reader = await clientWith(one.readOnly)
  await expect(reader.send(new PutObjectCommand(object))).rejects.toMatchObject(denied)
})

test('keys that may do too little are refused with what is missing, and a read-only one that may do too much', async () => {
  const unknown = { accessKeyId: 'AKIANOBODY', secretAccessKey: 'nobody-has-this-key' }
  const wrong = { ...one.readWrite, secretAccessKey: 'not-the-secret-of-it' }
  for (const [keys, reason] of [
    [[one.readOnly], /^The read-write key lacks rights below .*: s3:PutObject, s3:DeleteObject/],
    [[other.readWrite], /^The read-write key lacks rights below .*: s3:PutObject/],
    [[one.readWrite, other.readOnly], /^The read-only key lacks rights below .*: s3:GetObject\.$/],
    [[one.readWrite, one.readWrite], /^The read-only key may write below /],
    [[unknown], /^The read-write key is refused: The object store does not know the access key\.$/],
    [[one.readWrite, wrong], /^The read-only key is refused: .* refuses the secret/],
  ] as [[StorageKey, StorageKey?], RegExp][]) {
    const { error } = await setKeys(one.id, ...keys)
    expect(error).toMatchObject({ status: 422, detail: expect.stringMatching(reason) })
  }
  const kept = await ok(api.getStorageKeys({ client: undrop.client, path: { tenantId: one.id } }))
  expect(kept.readWriteAccessKeyId).toBe(one.readWrite.accessKeyId)
  const { Contents = [] } = await owner.send(new ListObjectsV2Command({ Bucket: bucket }))
  expect(Contents.filter((object) => object.Key?.includes('.undrop-check'))).toEqual([])
})

test('what servers are configured with follows the keys of their tenant, and archiving goes on', async () => {
  const { client } = undrop
  const addon = await aProtectedAddon(undrop, late.id)
  const server = await serverBehind(undrop, late.id, addon.login.url)
  expect(await keyOf(server)).toBe(s3.key.accessKeyId)

  const follows = async (key: StorageKey) => {
    await until(async () => (await keyOf(server)) === key.accessKeyId, 'the configuration to follow')
    await archiveSegment(server)
  }
  const { warnings } = await ok(setKeys(late.id, unlimited))
  expect(warnings).toEqual([
    "The read-write key can list names outside of the tenant's prefix.",
    "The read-write key can read outside of the tenant's prefix.",
    "The read-write key can write outside of the tenant's prefix.",
    "The read-write key can delete outside of the tenant's prefix.",
  ])
  await follows(unlimited)
  await ok(setKeys(late.id, late.readWrite))
  await follows(late.readWrite)
  const removed = await api.deleteStorageKeys({ client, path: { tenantId: late.id } })
  expect(removed.response?.status).toBe(204)
  await follows(s3.key)
})
