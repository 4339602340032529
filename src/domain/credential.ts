/**
 * What a credential of an add-on may do: everything, as the owner of the database; read and write all its data; or read
 * it.
 */
export type Access = 'owner' | 'read-write' | 'read-only'

/** `pending`, `rotating` and `deleting` wait for the server; a credential that is rotating works all the while. */
export type CredentialStatus = 'pending' | 'active' | 'rotating' | 'deleting' | 'deleted'

/** The name of the credential that every add-on comes with. */
export const OWNER = 'owner'

/** 30 days: longer is not a rotation any more. */
export const OVERLAP_SECONDS_MAX = 30 * 86_400

export type LimitedAccess = Exclude<Access, 'owner'>
