import { z } from 'zod'
import { OVERLAP_SECONDS_MAX } from '../../domain/credential.ts'
import { moment } from './text.ts'

const access = z.enum(['owner', 'read-write', 'read-only'])

export const credentialSchema = z
  .object({
    id: z.string(),
    tenantId: z.string(),
    addonId: z.string(),
    name: z.string(),
    access: access.describe(
      'The owner may do everything; read-write reads and writes all data and makes nothing; read-only reads all data',
    ),
    status: z
      .enum(['pending', 'active', 'rotating', 'deleting', 'deleted'])
      .describe(
        'It can be revealed while it is active or rotating; while it is rotating, what it was before',
      ),
    oldLoginUntil: moment
      .nullable()
      .describe('Until when the last of the logins works that it had before; null when none does'),
    createdAt: moment,
    updatedAt: moment,
    rotatedAt: moment.nullable(),
  })
  .meta({
    id: 'Credential',
    examples: [
      {
        id: 'cred_01kas0d8w8e5h9xw2c5a9t7b3k',
        tenantId: 'tnt_01kas0d8w8e5h9xw2c5a9t7b3k',
        addonId: 'addon_01kas0d8w8e5h9xw2c5a9t7b3k',
        name: 'reporting',
        access: 'read-only',
        status: 'active',
        oldLoginUntil: null,
        createdAt: '2026-11-23T14:00:00.045678Z',
        updatedAt: '2026-11-23T14:00:00.456789Z',
        rotatedAt: null,
      },
    ],
  })

export const newCredentialSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must have 1 to 63 of a-z, 0-9 and -, and start with a letter')
      .describe('Of its own among the credentials of the add-on'),
    access: z.enum(['read-write', 'read-only']),
  })
  .meta({ id: 'NewCredential', examples: [{ name: 'reporting', access: 'read-only' }] })

export const rotationSchema = z
  .strictObject({
    overlapSeconds: z
      .int()
      .min(0)
      .max(OVERLAP_SECONDS_MAX)
      .describe(
        'How long the old username and password go on to work; 0 ends them, and every session opened with them, at once',
      ),
  })
  .meta({ id: 'Rotation', examples: [{ overlapSeconds: 3600 }] })

export const credentialParams = z.object({ addonId: z.string(), credentialId: z.string() })

export const connectionDetailsSchema = z
  .object({
    host: z.string(),
    port: z.int(),
    database: z.string(),
    username: z.string(),
    password: z.string(),
    url: z
      .string()
      .describe('All of it as a PostgreSQL connection URL; clients need the certificate beside it as well'),
    caCertificate: z
      .string()
      .describe('Who vouches for the server, in PEM: what clients take as `sslrootcert`, or `ca`'),
  })
  .meta({
    id: 'Credentials',
    examples: [
      {
        host: '127.0.0.1',
        port: 20_001,
        database: 'shop_db',
        username: 'u_1f0c7a52d9be6384',
        password: '…',
        url: 'postgresql://u_1f0c7a52d9be6384:…@127.0.0.1:20001/shop_db?sslmode=verify-full',
        caCertificate: '-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n',
      },
    ],
  })
