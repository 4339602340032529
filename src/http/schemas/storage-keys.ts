import { z } from 'zod'

const accessKeyId = z
  .string()
  .regex(/^[!-~]{1,128}$/, 'must have 1 to 128 printable ASCII characters without spaces')
  .describe('Name of the key')

const secretAccessKey = z
  .string()
  .regex(/^[!-~]{8,256}$/, 'must have 8 to 256 printable ASCII characters without spaces')
  .describe('Its secret, which no answer shows')

const storageKey = z.strictObject({ accessKeyId, secretAccessKey })

export const newStorageKeysSchema = storageKey
  .extend({
    readOnly: storageKey
      .optional()
      .describe('A key that may only list and read there: children read the archive of their parent with it'),
  })
  .meta({
    id: 'NewStorageKeys',
    description:
      'Keys that may list, read, write and delete below the prefix of the tenant. Only listing cannot be held to a prefix: keys for one bucket see the names of all that is in it, not what it holds. A bucket of its own, or a tenant of its own at the object store, keeps those from other tenants as well',
    examples: [
      {
        accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
        secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
        readOnly: {
          accessKeyId: 'AKIAI44QH8DHBEXAMPLE',
          secretAccessKey: 'je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY',
        },
      },
    ],
  })

export const storageKeysSchema = z
  .object({
    readWriteAccessKeyId: z
      .string()
      .nullable()
      .describe('Null where the tenant uses the keys of Undrop itself'),
    readOnlyAccessKeyId: z.string().nullable().describe('Null where children read with the other key'),
  })
  .meta({
    id: 'StorageKeys',
    examples: [{ readWriteAccessKeyId: 'AKIAIOSFODNN7EXAMPLE', readOnlyAccessKeyId: 'AKIAI44QH8DHBEXAMPLE' }],
  })

export const checkedStorageKeysSchema = storageKeysSchema
  .extend({
    warnings: z.array(z.string()).describe('What the keys can do outside of the prefix of the tenant'),
  })
  .meta({
    id: 'CheckedStorageKeys',
    examples: [
      {
        readWriteAccessKeyId: 'AKIAIOSFODNN7EXAMPLE',
        readOnlyAccessKeyId: 'AKIAI44QH8DHBEXAMPLE',
        warnings: [
          "The read-write key can list names outside of the tenant's prefix.",
          "The read-only key can list names outside of the tenant's prefix.",
        ],
      },
    ],
  })
