import { ADMIN_ROLE } from '../domain/admin-role.ts'

const ADMIN_ONLY = `local all ${ADMIN_ROLE} peer map=undrop\n`

/** `pg_hba.conf` that admits our own admin over the private socket and nobody else (pitfall 10). */
export function hbaLocked(): string {
  return ADMIN_ONLY
}

/** `pg_hba.conf` that admits the server's own roles as well, by password, but over the private socket only. */
export function hbaPrivate(): string {
  return `${ADMIN_ONLY}local all all scram-sha-256\n`
}

/**
 * `pg_hba.conf` that admits clients by password as well, though neither as our admin nor for physical replication, and
 * over the network by TLS alone.
 */
export function hbaServing(): string {
  return [
    ADMIN_ONLY,
    // Only Undrop reaches the socket, to prove a client's credentials.
    'local all all scram-sha-256\n',
    `hostssl all ${ADMIN_ROLE} all reject\n`,
    'hostssl replication all all reject\n',
    'hostssl all all all scram-sha-256\n',
  ].join('')
}

/** `pg_ident.conf` under which these operating-system users may be our admin. */
export function identMap(osUserNames: readonly string[]): string {
  return osUserNames.map((name) => `undrop "${name}" ${ADMIN_ROLE}\n`).join('')
}
