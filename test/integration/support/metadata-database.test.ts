import { Redis } from 'ioredis'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { type FreshMetadata, freshMetadata } from '../../support/metadata-database.ts'

const aTenant = { id: 'tenant_one', name: 'one', deleted_at: null }

const tenantIds = async ({ db }: FreshMetadata) =>
  (await db.selectFrom('tenant').select('id').execute()).map((row) => row.id)

describe('freshMetadata', () => {
  test('what one test writes is not in the database of another', async () => {
    const [first, second] = await Promise.all([freshMetadata(), freshMetadata()])
    await first.db.insertInto('tenant').values(aTenant).execute()
    expect(await tenantIds(first)).toEqual(['tenant_one'])
    expect(await tenantIds(second)).toEqual([])
  })

  test('sessions have the rights of the role that was asked for', async () => {
    const { pool } = await freshMetadata('undrop_api')
    await expect(pool.query('create table undrop.mine ()')).rejects.toMatchObject({ code: '42501' })
  })

  test('a dropped database is gone, and dropping it again does nothing', async () => {
    const gone = await freshMetadata()
    const { pool } = await freshMetadata()
    const databaseOf = 'select count(*)::int as found from pg_database where datname = $1'
    const find = async () => (await pool.query(databaseOf, [gone.connection.pool.database])).rows
    expect(await find()).toEqual([{ found: 1 }])
    await gone.drop()
    await gone.drop()
    expect(await find()).toEqual([{ found: 0 }])
  })

  describe('outside of a test', () => {
    let shared: FreshMetadata
    beforeAll(async () => {
      shared = await freshMetadata()
      return shared.drop
    })

    test('the database outlives the first test that uses it', async () => {
      await shared.db.insertInto('tenant').values(aTenant).execute()
      expect(await tenantIds(shared)).toHaveLength(1)
    })

    test('and holds for the second what the first has written', async () => {
      expect(await tenantIds(shared)).toHaveLength(1)
    })
  })
})

test('the tests have a Redis of their own', async () => {
  const redis = new Redis(inject('redisUrl'), { lazyConnect: true })
  await redis.connect()
  expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction'])
  redis.disconnect()
})
