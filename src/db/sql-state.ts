/** The SQLSTATE of an error of PostgreSQL's (appendix A of its manual); undefined for any other error. */
export function sqlStateOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

const UNIQUE_VIOLATION = '23505'

/** Whether the error says that a row would break that unique index. */
export function breaksUnique(error: unknown, index: string): boolean {
  const named = error instanceof Error && 'constraint' in error && error.constraint === index
  return named && sqlStateOf(error) === UNIQUE_VIOLATION
}
