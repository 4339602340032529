import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { beforeAll, expect, test } from 'vitest'
import { newId } from '../../../src/domain/ids.ts'
import type { StorageKey } from '../../../src/domain/repository.ts'
import { s3Archives } from '../../../src/storage/s3.ts'
import { type S3Ground, type Statement, s3Ground } from '../../support/s3-ground.ts'

const PREFIX = 'some/prefix'
const TENANT = newId('tenant')
const INSIDE = `/${PREFIX}/${TENANT}/*`

const LIST: Statement = { actions: ['s3:ListBucket'], resource: '' }
const READ: Statement = { actions: ['s3:GetObject'], resource: INSIDE }
const WRITE: Statement = { actions: ['s3:PutObject', 's3:DeleteObject'], resource: INSIDE }
const DELETE_MANY: Statement = { actions: ['s3:DeleteObject'], resource: '' }
const listIf = (operator: string, prefix: string): Statement => ({
  ...LIST,
  condition: { [operator]: { 's3:prefix': prefix } },
})
/** What looks as if it would do, and does not. */
const LIST_BELOW = listIf('StringEquals', `${PREFIX}/${TENANT}/`)

let ground: S3Ground
let readWrite: StorageKey
beforeAll(async () => {
  ground = await s3Ground({ prefix: PREFIX })
  readWrite = await ground.userWho([LIST, READ, WRITE, DELETE_MANY])
})

const checked = (keys: { readWrite: StorageKey; readOnly?: StorageKey }) =>
  s3Archives(ground.place, ground.ownerKey).checkKeys(TENANT, { readOnly: null, ...keys })

const LISTS = (name: string) => `The ${name} key can list names outside of the tenant's prefix.`

test('keys that can do no more than one bucket makes them are told that they can list it', async () => {
  const readOnly = await ground.userWho([LIST, READ])
  expect(await checked({ readWrite, readOnly })).toEqual([LISTS('read-write'), LISTS('read-only')])
})

test('keys that list under a condition on the prefix are refused: pgBackRest cannot work with them', async () => {
  const limited = await ground.userWho([LIST_BELOW, READ, WRITE, DELETE_MANY])
  const lacks = (name: string) => ({
    code: 'storage-keys-refused',
    detail: `The ${name} key lacks rights below ${PREFIX}/${TENANT}/: s3:ListBucket without a condition on s3:prefix.`,
  })
  await expect(checked({ readWrite: limited })).rejects.toMatchObject(lacks('read-write'))
  const readOnly = await ground.userWho([LIST_BELOW, READ])
  await expect(checked({ readWrite, readOnly })).rejects.toMatchObject(lacks('read-only'))
})

test.each([
  ['delete', 's3:DeleteObject'],
  ['read', 's3:GetObject'],
  ['write', 's3:PutObject'],
])('it is told when a key can %s what is not of the tenant', async (verb, action) => {
  const more = { actions: [action], resource: `/${PREFIX}/*` }
  const key = await ground.userWho([LIST, READ, WRITE, DELETE_MANY, more])
  expect(await checked({ readWrite: key })).toContain(
    `The read-write key can ${verb} outside of the tenant's prefix.`,
  )
})

test('nothing of the check is left in the bucket', async () => {
  await checked({ readWrite, readOnly: await ground.userWho([LIST, READ]) })
  const { KeyCount } = await ground.owner.send(new ListObjectsV2Command({ Bucket: ground.place.bucket }))
  expect(KeyCount).toBe(0)
})
