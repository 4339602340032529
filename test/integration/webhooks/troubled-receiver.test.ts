import { Webhook } from 'standardwebhooks'
import { expect, onTestFinished, test, vi } from 'vitest'
import { addSeconds } from '../../../src/domain/moment.ts'
import type { WebhookSender } from '../../../src/notify/webhook-sender.ts'
import { rotateWebhookSecret } from '../../../src/services/rotate-webhook-secret.ts'
import { backupIds, caller, type Ground, happen, newGround, nextDue, START, workOff } from './ground.ts'
import { type Arrival, receiver } from './receiver.ts'

const [RESOURCES, EVENTS, BATCH] = [30, 300, 25]
const DOWN_SECONDS = 3600
const OVERLAP_SECONDS = 2 * 86_400

/** The same numbers each time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Down for an hour; then slow, and failing at random. */
function troubled(ground: Ground) {
  const random = seeded(20_261_123)
  return () => {
    if (ground.clock.now < addSeconds(START, DOWN_SECONDS)) return 'hang-up' as const
    const dice = random()
    if (dice < 0.25) return { status: 500, text: 'no' }
    if (dice < 0.3) return 'hang' as const
    if (dice < 0.33) return { status: 503, headers: { 'retry-after': '30' } }
    return { status: 200 }
  }
}

/** A process that dies with the third message of its own on the way: it is received, and nobody writes that down. */
function dying(sender: WebhookSender) {
  let sent = 0
  const died = Promise.withResolvers<void>()
  const send: WebhookSender['send'] = async (message) => {
    const answer = await sender.send(message)
    sent += 1
    if (sent < 3) return answer
    died.resolve()
    return new Promise(() => {})
  }
  return { sender: { send }, died: died.promise, isDead: () => sent >= 3 }
}

/** Verifies as of the moment at which the message arrived. */
function verifies(secret: string, { headers, body }: Arrival): boolean {
  vi.setSystemTime(Number(headers['webhook-timestamp']) * 1000)
  try {
    new Webhook(secret).verify(body, headers)
    return true
  } catch {
    return false
  }
}

/** What each resource was told of, in the order in which it was first accepted. */
function acceptedByResource(arrivals: readonly Arrival[]): Map<string, string[]> {
  const told = new Map<string, string[]>()
  for (const { id, body, accepted } of arrivals) {
    if (!accepted) continue
    const { resourceId } = (JSON.parse(body) as { data: { resourceId: string } }).data
    const ids = told.get(resourceId) ?? []
    if (!ids.includes(id)) told.set(resourceId, [...ids, id])
  }
  return told
}

/** Until everything has been told: events happen, dispatchers work, and time goes on to whatever is due next. */
async function tellEverything(ground: Ground, resources: readonly string[], onHalf: () => Promise<void>) {
  const mortal = dying(ground.sender)
  const living = [ground.dispatcher(), ground.dispatcher()]
  const doomed = ground.dispatcher(mortal.sender)
  for (let happened = 0; ; ) {
    if (happened === EVENTS / 2) await onHalf()
    for (let left = BATCH; left > 0 && happened < EVENTS; left--, happened++)
      await happen(ground, resources[(happened * 7) % RESOURCES] ?? '')
    if (!mortal.isDead()) await doomed.pass()
    await workOff(living)
    // What the doomed one has begun ends, or it dies of it.
    if (!mortal.isDead()) await Promise.race([doomed.settled(), mortal.died])
    const due = await nextDue(ground.db)
    if (due === null && happened === EVENTS) return mortal
    const { now } = ground.clock
    // What is due now waits for attempts that the dead one has begun.
    const next = due !== null && due <= now ? addSeconds(now, 1) : due
    const atMost = addSeconds(now, happened < EVENTS ? 600 : 86_400)
    ground.clock.now = next === null || next > atMost ? atMost : next
  }
}

test('a receiver that is down for an hour, slow, and answers 500 at random gets every event, in order per resource, and verifiable', async () => {
  const ground = await newGround()
  const { url, arrivals } = await receiver(troubled(ground))
  const { id, secret } = await ground.endpoint(url, { eventTypes: ['backup.*'] })
  const resources = backupIds(RESOURCES)
  let [rotated, before] = ['', 0]
  const rotate = async () => {
    if (rotated !== '') return
    before = arrivals.length
    rotated = (await rotateWebhookSecret(ground.services, caller, id, OVERLAP_SECONDS)).secret
  }

  const mortal = await tellEverything(ground, resources, rotate)
  expect(mortal.isDead()).toBe(true)
  expect(ground.errors).toEqual([])

  const deliveries = await ground.deliveries(id)
  expect(deliveries).toHaveLength(EVENTS)
  expect(deliveries.filter(({ status }) => status !== 'succeeded')).toEqual([])
  const told = acceptedByResource(arrivals)
  expect([...told.values()].flat()).toHaveLength(EVENTS)
  expect(told.size).toBe(RESOURCES)
  for (const ids of told.values()) expect(ids).toEqual(ids.toSorted())

  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  expect(arrivals.length).toBeGreaterThan(EVENTS)
  const later = arrivals.slice(before)
  expect(later.length).toBeGreaterThan(0)
  expect(arrivals.every((arrival) => verifies(secret, arrival))).toBe(true)
  expect(later.every((arrival) => verifies(rotated, arrival))).toBe(true)
})
