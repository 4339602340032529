import { sealContext } from './key-ring.ts'

/** Every column of the metadata that holds sealed secrets, the key of its table, and what a value of it is bound to. */
export const sealedColumns = [
  { table: 'addon', idColumn: 'id', column: 'password_sealed', contextOf: sealContext.addonPassword },
  { table: 'tenant', idColumn: 'id', column: 'storage_key_sealed', contextOf: sealContext.tenantStorageKey },
  {
    table: 'certificate_authority',
    idColumn: 'id',
    column: 'key_sealed',
    contextOf: sealContext.authorityKey,
  },
  {
    table: 'archive',
    idColumn: 'server_id',
    column: 'cipher_pass_sealed',
    contextOf: sealContext.archiveCipher,
  },
  {
    table: 'credential',
    idColumn: 'id',
    column: 'next_password_sealed',
    contextOf: sealContext.credentialPassword,
  },
  {
    table: 'credential',
    idColumn: 'id',
    column: 'password_sealed',
    contextOf: sealContext.credentialPassword,
  },
  {
    table: 'idempotency_key',
    idColumn: 'id',
    column: 'answer_sealed',
    contextOf: sealContext.idempotentAnswer,
  },
  {
    table: 'webhook_secret',
    idColumn: 'id',
    column: 'secret_sealed',
    contextOf: sealContext.webhookSecret,
  },
] as const
