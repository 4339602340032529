import type pg from 'pg'

type Query = (...given: unknown[]) => unknown

/** Records the statements that run on a pool, without their parameters. Has to be there before the first connection. */
export class StatementLog {
  readonly #statements: string[] = []

  constructor(pool: pg.Pool) {
    pool.on('connect', (client: { query: unknown }) => {
      const query = (client.query as Query).bind(client)
      client.query = (...given: unknown[]): unknown => {
        this.#note(given[0])
        return query(...given)
      }
    })
  }

  /** What has run since this was last asked. */
  take(): string[] {
    return this.#statements.splice(0)
  }

  #note(given: unknown): void {
    const { name, text } =
      typeof given === 'string' ? { text: given } : (given as { name?: string; text: string })
    // Run where the connection has been another tenant's before, and where the key has not been asked for lately: that is
    // none of the request's doing.
    if (name !== 'enter-tenant' && !text.includes('api_keys_of')) this.#statements.push(text)
  }
}
