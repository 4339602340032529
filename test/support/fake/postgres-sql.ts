import type pg from 'pg'
import type { Access } from '../../../src/domain/credential.ts'
import { addSeconds, parseMoment } from '../../../src/domain/moment.ts'
import type { SecuredRole } from '../../../src/domain/restore.ts'
import type { ClientLogin } from '../../../src/postgres/admission.ts'
import type { ArchiverState } from '../../../src/postgres/anchor.ts'
import type { AdminConnection } from '../../../src/postgres/connect.ts'
import type { Ending, Rotated, Rotation } from '../../../src/postgres/logins.ts'
import type { ProbeResult } from '../../../src/postgres/probe.ts'
import type { RecoveredState } from '../../../src/postgres/reached.ts'
import type { ReadRows } from '../../../src/postgres/read-rows.ts'
import type { NewIdentity } from '../../../src/postgres/roles.ts'
import type { OpenAdmin } from '../../../src/postgres/side-effects.ts'
import { type Life, perform } from './life.ts'
import {
  ANCHOR_SEGMENT,
  archiveOf,
  type FakeData,
  type FakeServer,
  type FakeWorld,
  NOW,
  springAmbush,
} from './world.ts'

// Stands for the modules of src/postgres that talk to a server, under their own names: a test mocks them with this one.
// Where they take a client, this one takes a server of the fake world.

let world: FakeWorld
let life: Life

/** From here on, whoever talks to a server does so in that world and in that life. */
export function enter(nextWorld: FakeWorld, nextLife: Life): void {
  world = nextWorld
  life = nextLife
}

function running({ socketDirectory, port }: AdminConnection): { serverId: string; server: FakeServer } {
  const serverId = socketDirectory.split('/')[2] ?? ''
  const server = world.servers.get(serverId)
  if (server === undefined || server.port !== port) throw new Error(`connection to ${serverId} refused`)
  return { serverId, server }
}

/** A server's data stands for the session; the steps only hand it on. */
const sessions = new WeakMap<FakeData, string>()
const dataOf = (client: pg.Client) => client as unknown as FakeData

export async function withAdmin<Result>(
  connection: AdminConnection,
  use: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const { serverId, server } = running(connection)
  if (server.data === null) throw new Error('a server runs on its data')
  sessions.set(server.data, serverId)
  return use(server.data as unknown as pg.Client)
}

export const untilAdmitted = (connection: AdminConnection): Promise<boolean> =>
  perform(life, 'untilAdmitted', () => {
    if (world.failing.has('postgres')) return false
    try {
      return running(connection).server.data !== null
    } catch {
      return false
    }
  })

export const canLogIn = ({ port, user, database }: ClientLogin): Promise<boolean> =>
  perform(life, 'canLogIn', () =>
    [...world.servers.values()].some(
      (server) =>
        server.port === port &&
        server.data?.roles[user] === 'owner' &&
        server.data.databases.includes(database) &&
        server.config['pg_hba.conf']?.includes('scram-sha-256'),
    ),
  )

export const createOwner = (
  client: pg.Client,
  { username, databaseName }: { username: string; databaseName: string },
): Promise<void> =>
  perform(life, 'createOwner', () => {
    const data = dataOf(client)
    data.roles[username] = 'owner'
    data.databases = [...new Set([...data.databases, databaseName])]
  })

export const secureRoles = (
  client: pg.Client,
  owner: NewIdentity,
  others: readonly (NewIdentity & { access: Access })[],
): Promise<SecuredRole[]> =>
  perform(life, 'secureRoles', () => {
    const { roles } = dataOf(client)
    const isDone = roles[owner.username] === 'owner'
    const name = isDone ? owner.username : owner.fromUsernames.find((former) => roles[former] === 'owner')
    if (name === undefined) throw new Error('the owner does not exist')
    for (const former of Object.keys(roles)) delete roles[former]
    roles[owner.username] = 'owner'
    for (const { username, access } of others) roles[username] = access
    return [{ name, action: 'renamed' }]
  })

export const admitLogins = (): Promise<void> => perform(life, 'admitLogins', () => {})

export const createLogin = (
  client: pg.Client,
  { username, access }: { username: string; access: Access },
): Promise<void> =>
  perform(life, 'createLogin', () => {
    dataOf(client).roles[username] = access
  })

export const rotateLogin = (
  client: pg.Client,
  { username, next, overlapSeconds }: Rotation,
): Promise<Rotated> =>
  perform(life, 'rotateLogin', () => {
    const { roles } = dataOf(client)
    const access = roles[username]
    if (roles[next] === undefined && access !== undefined) {
      roles[next] = access
      delete roles[username]
      if (overlapSeconds > 0) roles[username] = 'old'
    }
    const now = parseMoment(new Date().toISOString()) ?? NOW
    return { replacedAt: now, validUntil: addSeconds(now, overlapSeconds) }
  })

export const endSessions = (client: pg.Client, { usernames }: Ending): Promise<number> =>
  perform(life, 'endSessions', () => {
    const { roles } = dataOf(client)
    for (const username of usernames) if (roles[username] !== undefined) roles[username] = 'locked'
    return 0
  })

export const dropLogins = (openAdmin: OpenAdmin, usernames: readonly string[]): Promise<void> =>
  openAdmin('postgres', (client) =>
    perform(life, 'dropLogins', () => {
      for (const username of usernames) delete dataOf(client).roles[username]
    }),
  )

export const rollbackPreparedTransactions = (openAdmin: OpenAdmin): Promise<number> =>
  openAdmin('postgres', () => perform(life, 'rollbackPreparedTransactions', () => 0))

export const disableSubscriptions = (openAdmin: OpenAdmin): Promise<number> =>
  openAdmin('postgres', (client) =>
    perform(life, 'disableSubscriptions', () => {
      const { subscriptions } = dataOf(client)
      for (const subscription of subscriptions) subscription.enabled = false
      return subscriptions.length
    }),
  )

export const readRecovered = (client: pg.Client): Promise<RecoveredState> =>
  perform(life, 'readRecovered', () => {
    const { timeline, databases } = dataOf(client)
    // A recovery in the fake world is over once the server runs.
    return { inRecovery: false, timeline, lsn: '0/4000028', xid: '740', time: NOW, databases }
  })

export const clusterSize = (): Promise<number> => perform(life, 'clusterSize', () => 1000)
export const SESSION_OPTIONS = ''

export const lastCommitOf = (): Promise<string> => perform(life, 'lastCommitOf', () => NOW)

export const readAllRows = (openAdmin: OpenAdmin): Promise<ReadRows> =>
  openAdmin('postgres', () => perform(life, 'readAllRows', () => ({ tables: 1, rows: 5, unreadable: 0 })))

/** Only the owner gets in, and nobody over the network. */
export const runProbe = ({ port, user }: ClientLogin): Promise<ProbeResult> =>
  perform(life, 'runProbe', () => {
    if (world.failing.has('probe')) return { passed: false, why: 'unanswered' }
    const found = [...world.servers.values()].find((server) => server.port === port)
    const hba = found?.config['pg_hba.conf'] ?? ''
    return found?.data?.roles[user] === 'owner' && !hba.includes('host')
      ? { passed: true }
      : { passed: false, why: 'error', code: '28000' }
  })

export const serverClock = (): Promise<string> => perform(life, 'serverClock', () => NOW)

export const inheritedSettings = () =>
  perform(life, 'inheritedSettings', () => ({ max_connections: 100, wal_level: 'replica' }))

export const insertLsn = (): Promise<string> => perform(life, 'insertLsn', () => '0/4000100')

/** The segment is archived at once if the server archives at all. */
function switchWal(client: pg.Client): string {
  const serverId = sessions.get(dataOf(client)) ?? ''
  const conf = world.servers.get(serverId)?.config['postgresql.conf']
  if (conf?.includes(`'push to ${serverId}'`) && !world.failing.has('archive-push'))
    archiveOf(world, serverId).segments.push(ANCHOR_SEGMENT)
  return ANCHOR_SEGMENT
}

export const commitMarkerAfter = (client: pg.Client) =>
  perform(life, 'commitMarkerAfter', () => ({ committedAt: NOW, segment: switchWal(client) }))

/** Recovery stops at the first point of a name, so a name is good for one. */
export const makeRestorePoint = (client: pg.Client, name: string) =>
  perform(life, 'makeRestorePoint', async () => {
    const { points } = archiveOf(world, sessions.get(dataOf(client)) ?? '')
    if (points.includes(name)) throw new Error(`a restore point ${name} is in WAL already`)
    points.push(name)
    await springAmbush(world, 'makeRestorePoint')
    return { lsn: '0/4000090', madeAt: NOW, segment: switchWal(client) }
  })

export const archiverState = (client: pg.Client): Promise<ArchiverState> =>
  perform(life, 'archiverState', () => {
    const serverId = sessions.get(dataOf(client)) ?? ''
    const lastArchivedSegment = archiveOf(world, serverId).segments.toSorted().at(-1) ?? null
    return {
      lastArchivedSegment,
      lastArchivedAt: NOW,
      failedCount: 0,
      lastFailedSegment: null,
      lastFailedAt: null,
    }
  })

export const isArchived = ({ lastArchivedSegment }: ArchiverState, segment: string): boolean =>
  lastArchivedSegment !== null && lastArchivedSegment >= segment

export const walWaiting = () => perform(life, 'walWaiting', () => ({ oldestSeconds: 0, bytes: 0 }))
