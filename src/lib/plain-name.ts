/**
 * The name itself, if it can be one component of a path and mean nothing else there.
 * @throws when it holds anything but letters, digits, `_`, `-` and dots, or begins with a dot or a dash.
 */
export function assertPlainName(name: string): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name)) throw new Error(`"${name}" cannot name a file`)
  return name
}
