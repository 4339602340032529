import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'

const POLL_MILLISECONDS = 50
const PATIENCE_SECONDS = 60

type Json = Record<string, unknown>

/** As much of a client as the story needs. */
export class DemoClient {
  readonly #url: string
  readonly #key: string

  constructor(url: string, key: string) {
    this.#url = url
    this.#key = key
  }

  async call<Answer = Json>(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(this.#url + path, {
      method,
      headers: { authorization: `Bearer ${this.#key}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const answer = (await response.json()) as Answer
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`)
    return answer
  }

  /** Asks again until the answer is as wanted. */
  async until<Answer>(path: string, wanted: (answer: Answer) => boolean): Promise<Answer> {
    const deadline = performance.now() + PATIENCE_SECONDS * 1000
    for (;;) {
      const answer = await this.call<Answer>('GET', path)
      if (wanted(answer)) return answer
      if (performance.now() > deadline) throw new Error(`${path} stays ${JSON.stringify(answer)}`)
      await delay(POLL_MILLISECONDS)
    }
  }
}

/** Runs one statement as an application would. */
export async function query<Row extends object>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  // A server that goes away fails the statement; the event itself must not end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query<Row>(text)).rows
  } finally {
    await client.end()
  }
}

/** The same moment as text with its microseconds, which a JavaScript date would cut. */
export async function clockOf(url: string): Promise<string> {
  const [row] = await query<{ now: string }>(
    url,
    `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now`,
  )
  if (row === undefined) throw new Error('the server answered without a row')
  return row.now
}
