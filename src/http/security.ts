import type { Scope } from '../domain/scopes.ts'

/** Who may call an operation, as OpenAPI security requirements; the authentication plugin enforces what they say. */

/** A platform key, or a tenant's with all of these scopes. */
export const needs = (...scopes: readonly Scope[]) => [{ platformKey: [] }, { tenantKey: [...scopes] }]

export const platformKeyOnly = [{ platformKey: [] }]

const scheme = (description: string) =>
  ({ type: 'http', scheme: 'bearer', bearerFormat: 'udk_…', description }) as const

export const securitySchemes = {
  platformKey: scheme('Acts for every tenant, without limits of scope.'),
  tenantKey: scheme(
    'Acts for the tenant it belongs to; whatever belongs to another does not exist for it. ' +
      'It needs all of the scopes that an operation lists; `admin` stands for each.',
  ),
}
