import { onTestFinished } from 'vitest'
import type { Db } from '../../../src/db/client.ts'
import { DEFAULT_POLICY } from '../../../src/domain/backup-policy.ts'
import { hashApiKey, newApiKeySecret } from '../../../src/domain/credentials.ts'
import { NO_QUOTAS } from '../../../src/domain/quotas.ts'
import { buildServer, type ServerDeps } from '../../../src/http/server.ts'
import { eventStreams } from '../../../src/services/event-streams.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { fakeArchives } from '../../support/fake/driver.ts'
import { newLife } from '../../support/fake/life.ts'
import { emptyWorld } from '../../support/fake/world.ts'

/** The API without anything behind it, for what it answers before it gets there. */
export function unwiredServer(overrides: Partial<ServerDeps> = {}) {
  const secret = newApiKeySecret()
  const app = buildServer(
    {
      // Reading anything of it throws.
      dbOf: () => undefined as unknown as Db,
      unscopedDb: undefined as unknown as Db,
      doorbell: { ring: async () => {} },
      keyRing: { keyIds: ['key'], seal: (text) => text, open: (text) => text },
      platformKeyHash: hashApiKey(secret),
      endpointHost: '127.0.0.1',
      postgresVersions: () => [15],
      archives: fakeArchives(emptyWorld(), newLife()),
      eventStreams: eventStreams({ subscribe: () => () => {}, close: async () => {} }),
      webhookTargets: { refusalOf: async () => null },
      platformPolicy: DEFAULT_POLICY,
      platformQuotas: NO_QUOTAS,
      checks: {},
      now: () => '2026-11-23T14:00:00.000000Z',
      logger: createLogger({ level: 'silent' }),
      ...overrides,
    },
    { bodyBytesMax: 1000 },
  )
  onTestFinished(() => app.close())
  return { app, authorization: `Bearer ${secret}` }
}
