import type { LookupFunction } from 'node:net'
import { isIPv6 } from 'node:net'
import { Agent, request } from 'undici'
import type { DeliveryError } from '../../domain/webhook.ts'
import type { WebhookAnswer, WebhookMessage, WebhookSender } from '../webhook-sender.ts'
import { type CheckedTargets, RefusedTarget } from './targets.ts'

export interface HttpSenderOptions {
  targets: CheckedTargets
  /** For everything: names, connection, request and answer. */
  timeoutSeconds?: number
  /** PEM; Node.js' own authorities where it is not given. */
  ca?: string | undefined
}

const TIMEOUT_SECONDS = 15
const BODY_BYTES_MAX = 4096

/**
 * Posts messages by HTTP. Each attempt has a connection of its own to an address that has been checked; the certificate
 * has to be the host name's. Redirects are not followed, and the environment's proxies not asked.
 */
export function httpSender({
  targets,
  timeoutSeconds = TIMEOUT_SECONDS,
  ca,
}: HttpSenderOptions): WebhookSender {
  return {
    async send(message) {
      const timedOut = AbortSignal.timeout(timeoutSeconds * 1000)
      try {
        const addresses = await unlessAborted(targets.addressesOf(new URL(message.url)), timedOut)
        return await post(message, addresses, timedOut, ca)
      } catch (error) {
        return { statusCode: null, error: errorOf(error, timedOut), retryAfter: null, body: '' }
      }
    },
  }
}

async function post(
  { url, headers, body }: WebhookMessage,
  addresses: readonly string[],
  signal: AbortSignal,
  ca: string | undefined,
): Promise<WebhookAnswer> {
  const agent = new Agent({
    connect: { lookup: lookupIn(addresses), autoSelectFamily: true, ...(ca === undefined ? {} : { ca }) },
    maxHeaderSize: 16 * 1024,
  })
  try {
    const answer = await request(url, { method: 'POST', headers, body, signal, dispatcher: agent })
    const { statusCode, headers: answered } = answer
    const retryAfter = [answered['retry-after']].flat()[0] ?? null
    // The status is the answer; what becomes of the body does not matter.
    const text = await readBeginning(answer.body).catch(() => '')
    return { statusCode, error: null, retryAfter, body: text }
  } finally {
    // Waits for nobody.
    await agent.destroy()
  }
}

/** Answers with addresses that are known, instead of asking again. */
function lookupIn(addresses: readonly string[]): LookupFunction {
  const known = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
  return (_hostname, { all }, callback) => {
    const [first] = known
    if (first === undefined) callback(new Error('no address'), '', 0)
    else if (all === true) callback(null, known)
    else callback(null, first.address, first.family)
  }
}

async function readBeginning(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= BODY_BYTES_MAX) break
  }
  return Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX).toString('utf8')
}

function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const aborted = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => aborted.reject(signal.reason), { once: true })
  return Promise.race([work, aborted.promise])
}

function errorOf(error: unknown, timedOut: AbortSignal): DeliveryError {
  if (error instanceof RefusedTarget) return 'target-refused'
  if (timedOut.aborted) return 'timed-out'
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (/TIMEOUT|ETIMEDOUT/.test(code)) return 'timed-out'
  return /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|SSL/.test(code) ? 'certificate-refused' : 'connection-failed'
}
