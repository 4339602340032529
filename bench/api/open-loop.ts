import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'
import type { Latencies, OpenLoad } from './process.ts'

// Requests leave at moments that are fixed beforehand, and latency is counted from those: one that is late because
// others were slow is slow itself (no coordinated omission).

const CONNECTIONS = 64
const WARM_UP_SECONDS = 2

process.once('message', (load: OpenLoad) => {
  run(load).then(
    (result) => process.send?.(result, () => process.exit(0)),
    (error) => {
      console.error(error)
      process.exit(1)
    },
  )
})

async function run({ urls, secret, perSecond, seconds }: OpenLoad): Promise<Latencies> {
  const [first = ''] = urls
  const pool = new Pool(new URL(first).origin, { connections: CONNECTIONS, pipelining: 1 })
  const paths = urls.map((url) => new URL(url)).map(({ pathname, search }) => pathname + search)
  const headers = { authorization: `Bearer ${secret}` }
  const latencies: number[] = []
  const statuses: Record<string, number> = {}
  const startedAt = performance.now()

  const send = async (number: number, dueAt: number) => {
    const path = paths[number % paths.length] ?? ''
    const { statusCode, body } = await pool.request({ method: 'GET', path, headers })
    await body.dump({ limit: 10_000_000 })
    if (dueAt - startedAt < WARM_UP_SECONDS * 1000) return
    latencies.push(performance.now() - dueAt)
    statuses[statusCode] = (statuses[statusCode] ?? 0) + 1
  }
  const total = (WARM_UP_SECONDS + seconds) * perSecond
  const sent: Promise<void>[] = []
  while (sent.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * perSecond))
    while (sent.length < due) sent.push(send(sent.length, startedAt + (sent.length / perSecond) * 1000))
    await delay(1)
  }
  await Promise.all(sent)
  await pool.close()
  latencies.sort((a, b) => a - b)
  const at = (part: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? 0
  return { p50: at(0.5), p99: at(0.99), max: at(1), statuses }
}
