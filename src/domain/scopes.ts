/** What a tenant's key may be allowed to do. A platform key may do everything, for every tenant. */
export const SCOPES = [
  'addons:read',
  'addons:write',
  'credentials:read',
  'backups:write',
  'restores:write',
  'webhooks:write',
  'audit:read',
  'admin',
] as const

export type Scope = (typeof SCOPES)[number]

/** What a key is given that says nothing of scopes: all but looking after the tenant itself. */
export const DEFAULT_SCOPES: readonly Scope[] = SCOPES.filter((scope) => scope !== 'admin')

/** Whether that is enough for what needs all of those; `admin` stands for all. */
export function allows(granted: readonly Scope[], needed: readonly Scope[]): boolean {
  return granted.includes('admin') || needed.every((scope) => granted.includes(scope))
}
