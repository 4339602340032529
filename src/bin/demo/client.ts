import { randomUUID } from 'node:crypto'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'

const POLL_MILLISECONDS = 50
const PATIENCE_SECONDS = 60

type Json = Record<string, unknown>

export interface Credentials {
  url: string
  host: string
  port: number
  database: string
  username: string
  password: string
  caCertificate: string
}

/** As much of a client as the story needs. */
export class DemoClient {
  readonly #url: string
  readonly #key: string
  readonly #directory: string

  /** @param directory for the certificates that servers are known by */
  constructor({ url, platformKey, directory }: { url: string; platformKey: string; directory: string }) {
    this.#url = url
    this.#key = platformKey
    this.#directory = directory
  }

  /** How to connect to an add-on; the URL is enough. */
  async reveal(addonId: string): Promise<Credentials> {
    const revealed = await this.call<Credentials>('POST', `/v1/addons/${addonId}/credentials/reveal`)
    return trusting(revealed, this.#directory)
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

/**
 * Revealed credentials whose URL also says which certificate to trust, by a file in that directory, as libpq and `pg`
 * read it.
 */
export async function trusting<Credentials extends { url: string; caCertificate: string }>(
  credentials: Credentials,
  directory: string,
): Promise<Credentials> {
  const file = join(directory, 'ca.pem')
  // Others may be reading it.
  const draft = `${file}.${randomUUID()}`
  await writeFile(draft, credentials.caCertificate)
  await rename(draft, file)
  return { ...credentials, url: `${credentials.url}&sslrootcert=${encodeURIComponent(file)}` }
}

/** The same way for somebody else. */
export function urlAs(
  url: string,
  { username, password, port }: { username: string; password: string; port: number },
): string {
  return Object.assign(new URL(url), { username, password, port: String(port) }).href
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
