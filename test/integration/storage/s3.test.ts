import { randomUUID } from 'node:crypto'
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startS3Server } from '../../../src/bin/demo/s3-server.ts'
import { newId } from '../../../src/domain/ids.ts'
import { Problem } from '../../../src/domain/problem.ts'
import type { StorageKey } from '../../../src/domain/repository.ts'
import { s3Archives } from '../../../src/storage/s3.ts'
import type { S3Place } from '../../../src/storage/s3-client.ts'
import { isOutage } from '../../../src/storage/s3-problem.ts'
import { type S3Ground, type Statement, s3Ground } from '../../support/s3-ground.ts'
import { archiveStoreContract, type Subject } from './contract.ts'

const PREFIX = 'some/prefix'
let ground: S3Ground
beforeAll(async () => {
  ground = await s3Ground({ prefix: PREFIX })
})

describe.each(['', 'some/prefix'])('below the prefix "%s"', (prefix) => {
  let subject: Subject
  beforeAll(async () => {
    const { place, ownerKey, put } = await s3Ground({ prefix })
    const root = prefix === '' ? '' : `${prefix}/`
    subject = {
      store: s3Archives(place, ownerKey),
      put: ({ tenantId, serverId }, files) =>
        put(
          Object.fromEntries(
            Object.entries(files).map(([path, size]) => [`${root}${tenantId}/${serverId}/${path}`, size]),
          ),
        ),
    }
  })
  archiveStoreContract(() => subject)
})

test('uploads that were never finished go with their archive, and those of another one stay', async () => {
  const { place, owner, ownerKey } = ground
  const tenantId = newId('tenant')
  const [serverId, other] = [newId('server'), newId('server')]
  const below = { Bucket: place.bucket, Prefix: `${PREFIX}/${tenantId}/` }
  for (const id of [serverId, other]) {
    const object = { Bucket: place.bucket, Key: `${below.Prefix}${id}/backup/half` }
    const { UploadId } = await owner.send(new CreateMultipartUploadCommand(object))
    await owner.send(new UploadPartCommand({ ...object, UploadId, PartNumber: 1, Body: Buffer.alloc(1) }))
  }
  await s3Archives(place, ownerKey).destroy(tenantId, serverId)
  const { Uploads } = await owner.send(new ListMultipartUploadsCommand(below))
  expect(Uploads?.map(({ Key }) => Key)).toEqual([`${below.Prefix}${other}/backup/half`])
})

test('an archive that may not be deleted is not taken for destroyed', async () => {
  const key = await ground.userWho(without('s3:DeleteObject', ALL))
  const tenantId = newId('tenant')
  const serverId = newId('server')
  await ground.put({ [`${PREFIX}/${tenantId}/${serverId}/one`]: 1 })
  await expect(s3Archives(ground.place, key).destroy(tenantId, serverId)).rejects.toMatchObject({
    code: 'archive-unreachable',
    detail: 'The access key has no right for deleting.',
  })
})

describe('the repository of an archive', () => {
  const archive = { tenantId: newId('tenant'), serverId: newId('server') }
  const [own, readWrite, readOnly] = ['own', 'write', 'read'].map((name) => ({
    accessKeyId: name,
    secretAccessKey: `secret ${name}`,
  })) as [StorageKey, StorageKey, StorageKey]
  const repositoryOf = (...args: ['write' | 'read', { readOnly: StorageKey | null } | null]) => {
    const keys = args[1] === null ? null : { readWrite, ...args[1] }
    return s3Archives(ground.place, own).repositoryOf(archive, args[0], keys)
  }

  test('is below the prefix, by tenant and server, where the store keeps them', () => {
    const { endpoint, bucket, region, certificateAuthorities } = ground.place
    expect(repositoryOf('write', null)).toEqual({
      type: 's3',
      path: `/${PREFIX}/${archive.tenantId}/${archive.serverId}`,
      bucket,
      region,
      host: 'localhost',
      port: Number(new URL(endpoint ?? '').port),
      pathStyle: true,
      certificateAuthorities,
      key: own,
    })
  })

  test("is written with the tenant's key, and read with its read-only one where it has one", () => {
    expect(repositoryOf('write', { readOnly })).toMatchObject({ key: readWrite })
    expect(repositoryOf('read', { readOnly })).toMatchObject({ key: readOnly })
    expect(repositoryOf('read', { readOnly: null })).toMatchObject({ key: readWrite })
    expect(repositoryOf('read', null)).toMatchObject({ key: own })
  })

  test('is that of AWS where no endpoint is given', () => {
    const place = { ...ground.place, endpoint: null, region: 'eu-central-1' }
    const repository = s3Archives(place, own).repositoryOf(archive, 'write', null)
    expect(repository).toMatchObject({ host: 's3.eu-central-1.amazonaws.com', port: 443 })
  })
})

test('an IPv6 address keeps its brackets: pgBackRest takes an endpoint without them for no URL', () => {
  const place = { ...ground.place, endpoint: 'https://[2001:db8::1]:8443' }
  const archive = { tenantId: newId('tenant'), serverId: newId('server') }
  const repository = s3Archives(place, ground.ownerKey).repositoryOf(archive, 'write', null)
  expect(repository).toMatchObject({ host: '[2001:db8::1]', port: 8443 })
})

const OBJECTS = `/${PREFIX}/*`
const ALL: readonly Statement[] = [
  { actions: ['s3:ListBucket', 's3:ListBucketMultipartUploads', 's3:DeleteObject'], resource: '' },
  {
    actions: ['s3:PutObject', 's3:GetObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
    resource: OBJECTS,
  },
]

/** Who has written an object may read it, as its owner, unless told otherwise. */
const NO_READING: Statement = { effect: 'Deny', actions: ['s3:GetObject'], resource: OBJECTS }

const LISTING_BELOW: Statement = {
  actions: ['s3:ListBucket'],
  resource: '',
  condition: { StringEquals: { 's3:prefix': `${PREFIX}/` } },
}

function without(action: string, allowed: readonly Statement[], resource?: string): Statement[] {
  return allowed.map((one) =>
    resource === undefined || one.resource === resource
      ? { ...one, actions: one.actions.filter((each) => each !== action) }
      : one,
  )
}

const check = (place: S3Place, key: StorageKey): Promise<unknown> =>
  s3Archives(place, key)
    .check()
    .then(
      () => null,
      (error: unknown) => error,
    )

describe('the check of a store', () => {
  test('is content with a key that may do below the prefix what is needed, and nothing else', async () => {
    expect(await check(ground.place, await ground.userWho(ALL))).toBeNull()
  })

  test.each([
    ['s3:ListBucket', without('s3:ListBucket', ALL), 's3:ListBucket'],
    ['s3:PutObject', without('s3:PutObject', ALL), 's3:PutObject'],
    ['s3:GetObject', [...ALL, NO_READING], 's3:GetObject'],
    ['s3:DeleteObject', without('s3:DeleteObject', ALL), 's3:DeleteObject'],
    [
      's3:DeleteObject of many',
      without('s3:DeleteObject', ALL, ''),
      's3:DeleteObject on the bucket (for deleting many at once)',
    ],
    [
      's3:ListBucket for any prefix',
      [...without('s3:ListBucket', ALL), LISTING_BELOW],
      's3:ListBucket without a condition on s3:prefix',
    ],
    [
      's3:ListBucketMultipartUploads',
      without('s3:ListBucketMultipartUploads', ALL),
      's3:ListBucketMultipartUploads',
    ],
    [
      'two rights',
      [...without('s3:ListBucketMultipartUploads', ALL), NO_READING],
      's3:GetObject, s3:ListBucketMultipartUploads',
    ],
    [
      'rights for another prefix',
      [{ ...ALL[1], resource: '/another/*' }, ALL[0]] as Statement[],
      's3:PutObject, s3:DeleteObject',
    ],
  ])('names %s as missing', async (_name, allowed, missing) => {
    const problem = await check(ground.place, await ground.userWho(allowed))
    expect(problem).toMatchObject({
      code: 'archive-unreachable',
      detail: `The access key lacks rights for the archives: ${missing}.`,
    })
    expect(isOutage(problem as Problem)).toBe(false)
  })

  test('leaves nothing in the bucket', async () => {
    const { place, ownerKey, owner } = await s3Ground()
    expect(await check(place, ownerKey)).toBeNull()
    const { KeyCount } = await owner.send(new ListObjectsV2Command({ Bucket: place.bucket }))
    expect(KeyCount).toBe(0)
  })

  const ACCESS: Record<string, [(place: S3Place) => Partial<S3Place>, Partial<StorageKey>, string]> = {
    'a bucket that does not exist': [
      () => ({ bucket: `absent-${randomUUID()}` }),
      {},
      'The bucket does not exist.',
    ],
    'a key that does not exist': [
      () => ({}),
      { accessKeyId: 'NOBODY' },
      'The object store does not know the access key.',
    ],
    'a secret that is not that of the key': [
      () => ({}),
      { secretAccessKey: 'a wrong secret' },
      'The object store refuses the secret of the access key.',
    ],
    'a certificate of nobody who is trusted': [
      () => ({ certificateAuthorities: null }),
      {},
      'The certificate of the object store is not of a trusted authority.',
    ],
    'a certificate for another host': [
      ({ endpoint }) => ({ endpoint: (endpoint ?? '').replace('localhost', '127.0.0.1') }),
      {},
      'The certificate of the object store is for another host name.',
    ],
  }
  test.each(Object.entries(ACCESS))(
    'says so of %s, and that it wants to be mended',
    async (_name, access) => {
      const [placeOf, key, detail] = access
      const place = { ...ground.place, ...placeOf(ground.place) }
      const problem = await check(place, { ...ground.ownerKey, ...key })
      expect(problem).toMatchObject({ code: 'archive-unreachable', detail })
      expect(isOutage(problem as Problem)).toBe(false)
      for (const secret of [ground.ownerKey.secretAccessKey, 'a wrong secret', 'NOBODY'])
        expect(JSON.stringify(problem) + String((problem as Problem).cause)).not.toContain(secret)
    },
  )
})

test('every call says so while the store does not answer, and works when it does again', async () => {
  const server = await startS3Server()
  onTestFinished(() => server.stop())
  const { place, ownerKey, put } = await s3Ground({ access: server })
  const archive = { tenantId: newId('tenant'), serverId: newId('server') }
  await put({ [`${archive.tenantId}/${archive.serverId}/one`]: 1 })
  const store = s3Archives(place, ownerKey)
  const { tenantId, serverId } = archive
  const calls = {
    check: () => store.check(),
    list: () => store.list(),
    files: () => store.files(archive)[Symbol.asyncIterator]().next(),
    destroy: () => store.destroy(tenantId, serverId),
  }
  await server.kill()
  for (const [name, call] of Object.entries(calls)) {
    const error: unknown = await call().catch((thrown: unknown) => thrown)
    expect(error, name).toBeInstanceOf(Problem)
    expect(error, name).toMatchObject({ detail: 'The object store does not answer.' })
    expect(isOutage(error as Problem), name).toBe(true)
  }
  await server.restart()
  expect(await store.list()).toEqual([archive])
  for (const call of Object.values(calls)) await call()
  expect(await store.list()).toEqual([])
})
