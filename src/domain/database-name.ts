const RESERVED = ['postgres', 'template0', 'template1']

/** Whether PostgreSQL takes the name unquoted (section 4.1.1), and no database that every cluster has is called so. */
export function isDatabaseName(text: string): boolean {
  return /^[a-z_][a-z0-9_]{0,62}$/.test(text) && !RESERVED.includes(text)
}

/** The database of an add-on whose creator names none. */
export function defaultDatabaseName(addonName: string): string {
  const name = addonName.replaceAll('-', '_')
  return isDatabaseName(name) ? name : `${name}_db`
}
