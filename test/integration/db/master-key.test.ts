import { expect, test } from 'vitest'
import { assertMasterKey } from '../../../src/db/master-key.ts'
import { freshMetadata } from '../../support/metadata-database.ts'

test.each(['undrop_api', 'undrop_worker'] as const)(
  '%s is held to the key of the first start',
  async (role) => {
    const { db } = await freshMetadata(role)
    await Promise.all([assertMasterKey(db, 'first'), assertMasterKey(db, 'first')])
    await assertMasterKey(db, 'first')
    await expect(assertMasterKey(db, 'second')).rejects.toThrow('another master key')
  },
)
