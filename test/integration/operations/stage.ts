import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { Db } from '../../../src/db/client.ts'
import { DEFAULT_POLICY } from '../../../src/domain/backup-policy.ts'
import { NO_QUOTAS } from '../../../src/domain/quotas.ts'
import { SCOPES } from '../../../src/domain/scopes.ts'
import { fenced } from '../../../src/operations/fence.ts'
import { type RunnerDeps, turn } from '../../../src/operations/runner.ts'
import type { WorkDeps } from '../../../src/operations/server-work.ts'
import { LeaseLostError, type OperationStore, operationStore } from '../../../src/operations/store.ts'
import { ringNext, sweep } from '../../../src/operations/sweeper.ts'
import { workflows } from '../../../src/operations/workflows/all.ts'
import { type KeyRing, keyRing } from '../../../src/secrets/key-ring.ts'
import { createTenant } from '../../../src/services/create-tenant.ts'
import { eventStreams } from '../../../src/services/event-streams.ts'
import type { ServiceDeps } from '../../../src/services/service-deps.ts'
import { fakeArchives, fakeDriver } from '../../support/fake/driver.ts'
import { fakeEngine } from '../../support/fake/engine.ts'
import { type Death, type Life, newLife } from '../../support/fake/life.ts'
import { enter } from '../../support/fake/postgres-sql.ts'
import { emptyWorld, type FakeWorld, NOW } from '../../support/fake/world.ts'

/** A tenant of its own in a world of its own. */
export interface Stage {
  db: Db
  keyRing: KeyRing
  tenantId: string
  world: FakeWorld
  services: ServiceDeps
}

export const caller = {
  tenantId: null,
  scopes: SCOPES,
  actor: { apiKeyId: null, requestId: 'test', sourceAddress: '127.0.0.1' },
}
const silent = { ring: async () => {} }
/** Stages on one metadata database are one installation, with one authority for certificates. */
const RING = keyRing([randomBytes(32)])
const LEASE_SECONDS = 30
const TURNS_MAX = 100

export async function newStage(db: Db): Promise<Stage> {
  const world = emptyWorld()
  const services: ServiceDeps = {
    db,
    doorbell: silent,
    keyRing: RING,
    platformKeyHash: Buffer.alloc(32),
    endpointHost: 'localhost',
    postgresVersions: () => [15],
    archives: fakeArchives(world, newLife()),
    eventStreams: eventStreams({ subscribe: () => () => {}, close: async () => {} }),
    webhookTargets: { refusalOf: async () => null },
    platformPolicy: DEFAULT_POLICY,
    platformQuotas: NO_QUOTAS,
    now: () => NOW,
    logger: { warn: () => {} },
  }
  const { id } = await createTenant(services, caller, { name: 'acme' })
  return { db, keyRing: RING, tenantId: id, world, services }
}

/**
 * Works on everything the tenant has open until nothing is. A worker that dies is followed by another one, which takes
 * the work over once the lease has run out, and lives for ever. Returns the first worker's life.
 */
export async function workToEnd(stage: Stage, death: Death | null = null): Promise<Life> {
  const first = newLife(death)
  let life = first
  for (let turns = 0; turns < TURNS_MAX; turns++) {
    const next = (await nextOpen(stage)) ?? (await nextSwept(stage))
    if (next === undefined) return first
    enter(stage.world, life)
    life.purpose = next.kind
    await turn(runner(stage, life), next, true)
    if (!life.isOver) continue
    await letLeasesRunOut(stage)
    life = newLife()
  }
  throw new Error(`the work does not end: ${JSON.stringify(await nextOpen(stage))}`)
}

const nextOpen = ({ db, tenantId }: Stage) =>
  db
    .selectFrom('operation')
    .select(['id as operationId', 'version', 'kind', 'step'])
    .where('tenant_id', '=', tenantId)
    .where('finished_at', 'is', null)
    .orderBy('id')
    .executeTakeFirst()

/** What the sweeper finds to open when nothing is left, such as a deletion that has waited. */
async function nextSwept(stage: Stage) {
  const { db, keyRing: ring } = stage
  await sweep({
    db,
    doorbell: silent,
    platformPolicy: DEFAULT_POLICY,
    backupsMax: 4,
    keyRing: ring,
    eventsKeptDays: 30,
  })
  return nextOpen(stage)
}

const letLeasesRunOut = ({ db, tenantId }: Stage) =>
  db
    .updateTable('operation')
    .set({ lease_until: sql`now() - interval '1 second'` })
    .where('tenant_id', '=', tenantId)
    .where('lease_until', 'is not', null)
    .execute()

function runner(stage: Stage, life: Life): RunnerDeps<WorkDeps> {
  const { db } = stage
  return {
    db,
    store: mortalStore(operationStore(db, LEASE_SECONDS), life),
    doorbell: silent,
    workflows,
    leaseSeconds: LEASE_SECONDS,
    depsFor: ({ assertHeld }) => fakeWorkDeps(stage, life, assertHeld),
    stopping: new AbortController().signal,
    observe: () => {},
    again: () => {},
    finished: ({ tenantId }) => ringNext(db, silent, tenantId),
  }
}

/** What steps work with in a fake world. */
export function fakeWorkDeps(
  { db, keyRing: ring, world }: Pick<Stage, 'db' | 'keyRing' | 'world'>,
  life: Life,
  assertHeld: () => void = () => {},
): WorkDeps {
  return {
    db,
    driver: fenced(fakeDriver(world, life), assertHeld),
    engine: fakeEngine,
    archives: fenced(fakeArchives(world, life), assertHeld),
    keyRing: ring,
    ports: { first: 20_000, last: 29_999 },
    listenAddresses: '127.0.0.1',
    endpointHost: 'localhost',
    hostSettings: {},
    adminOsUsers: ['root'],
    platformPolicy: DEFAULT_POLICY,
    backupsMax: 4,
    surveyEverySeconds: 600,
    writtenConfigs: new Map(),
    loadedConfigs: new Map(),
    assertHeld,
  }
}

/** A dead worker commits nothing. */
function mortalStore(store: OperationStore, life: Life): OperationStore {
  return {
    ...store,
    commit(claim, decision) {
      if (life.isOver) throw new LeaseLostError('dead')
      return store.commit(claim, decision)
    },
  }
}
