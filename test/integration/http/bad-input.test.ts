import { expect, test } from 'vitest'
import { documentedOperations, fill } from './openapi-operations.ts'
import { completeBackup, rowCounts, startApi } from './test-api.ts'
import { idsOf, openEstate, settle } from './wall/ground.ts'

const WRONG_ROTATIONS = [
  [{ overlapSeconds: -1 }, '/overlapSeconds'],
  [{ overlapSeconds: 0.5 }, '/overlapSeconds'],
  [{ overlapSeconds: 2_592_001 }, '/overlapSeconds'],
  [{ expiresAt: '2026-11-23T13:59:59Z' }, '/expiresAt'],
  [{ name: 'b' }, '/name'],
] as const

/** For every operation that takes a body: bodies that are wrong, and where. */
const WRONG: Readonly<Record<string, readonly (readonly [unknown, string])[]>> = {
  createTenant: [
    [{}, '/name'],
    [{ name: '' }, '/name'],
    [{ name: 'a\0b' }, '/name'],
    [{ name: '\ud800' }, '/name'],
    [{ name: 'Acme', maxConcurrentOperations: 0 }, '/maxConcurrentOperations'],
    [{ name: 'Acme', plan: 'gold' }, '/plan'],
    [{ name: 'Acme', quotas: { addons: -1 } }, '/quotas/addons'],
    [{ name: 'Acme', backupPolicy: { fullEvery: '7 days' } }, '/backupPolicy/fullEvery'],
    [{ name: 'Acme', backupPolicy: { differentialEvery: 'P8D' } }, '/backupPolicy/differentialEvery'],
    [{ name: 'Acme', backupPolicy: { drillProbe: 'a\0b' } }, '/backupPolicy/drillProbe'],
    [{ name: 'Acme', backupPolicy: { drillProbe: '\ud800' } }, '/backupPolicy/drillProbe'],
  ],
  updateTenant: [
    [{ name: 7 }, '/name'],
    [{ maxConcurrentOperations: 1.5 }, '/maxConcurrentOperations'],
    [{ id: 'tnt_1' }, '/id'],
    [{ backupPolicy: { fullEvery: 'P1D', differentialEvery: 'P1D' } }, '/backupPolicy/differentialEvery'],
    [{ backupPolicy: { drillProbe: 'select 1\0' } }, '/backupPolicy/drillProbe'],
    [{ backupPolicy: { drillProbe: '\udc00' } }, '/backupPolicy/drillProbe'],
  ],
  setStorageKeys: [
    [{}, '/accessKeyId'],
    [{ accessKeyId: 'AKIA' }, '/secretAccessKey'],
    [{ accessKeyId: 'AK IA', secretAccessKey: 'secret-of-a-key' }, '/accessKeyId'],
    [{ accessKeyId: 'AKIA', secretAccessKey: 'two\nlines-of-it' }, '/secretAccessKey'],
    [{ accessKeyId: 'AKIA', secretAccessKey: 'secret-of-a-key', readOnly: {} }, '/readOnly/accessKeyId'],
    [{ accessKeyId: 'AKIA', secretAccessKey: 'secret-of-a-key', bucket: 'b' }, '/bucket'],
  ],
  createApiKey: [
    [{}, '/name'],
    [{ name: 'a\0' }, '/name'],
    [{ name: 'a', expiresAt: '2027-01-01' }, '/expiresAt'],
    [{ name: 'a', expiresAt: '0001-01-01T00:00:00+02:00' }, '/expiresAt'],
    [{ name: 'a', secret: 'udk_mine' }, '/secret'],
  ],
  updateApiKey: [
    [{ name: '' }, '/name'],
    [{ scopes: [] }, '/scopes'],
    [{ scopes: ['everything'] }, '/scopes/0'],
    [{ expiresAt: '2026-11-23T13:59:59Z' }, '/expiresAt'],
    [{ revokedAt: null }, '/revokedAt'],
  ],
  rotateApiKey: WRONG_ROTATIONS,
  createPlatformKey: [
    [{}, '/name'],
    [{ name: 'a', expiresAt: '2026-11-23T13:59:59Z' }, '/expiresAt'],
    [{ name: 'a', scopes: ['admin'] }, '/scopes'],
  ],
  rotatePlatformKey: WRONG_ROTATIONS,
  createAddon: [
    [{}, '/name'],
    [{ name: 'Shop' }, '/name'],
    [{ name: '1shop' }, '/name'],
    [{ name: 'a'.repeat(64) }, '/name'],
    [{ name: 'shop\n' }, '/name'],
    [{ name: 'shop', postgresVersion: '15' }, '/postgresVersion'],
    [{ name: 'shop', databaseName: 'postgres' }, '/databaseName'],
    [{ name: 'shop', databaseName: 'shop-db' }, '/databaseName'],
    [{ name: 'shop', databaseName: 'd'.repeat(64) }, '/databaseName'],
    [{ name: 'shop', labels: { app: 'a\0b' } }, '/labels/app'],
    [{ name: 'shop', labels: { app: '\udc00' } }, '/labels/app'],
    [{ name: 'shop', labels: { 'a b': 'c' } }, '/labels/a b'],
    [{ name: 'shop', labels: { app: 1 } }, '/labels/app'],
    [
      { name: 'shop', labels: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`l${i}`, ''])) },
      '/labels',
    ],
    [{ name: 'shop', backupPolicy: { retention: 7 } }, '/backupPolicy/retention'],
    [{ name: 'shop', backupPolicy: { retentionDays: 0 } }, '/backupPolicy/retentionDays'],
    [{ name: 'shop', backupPolicy: { window: { from: '01:00', to: '01:00' } } }, '/backupPolicy/window'],
    [{ name: 'shop', backupPolicy: { differentialEvery: 'P7D' } }, '/backupPolicy/differentialEvery'],
    [{ name: 'shop', backupPolicy: { drillProbe: 'a\0b' } }, '/backupPolicy/drillProbe'],
    [{ name: 'shop', backupPolicy: { drillProbe: '\ud800' } }, '/backupPolicy/drillProbe'],
    [{ name: 'shop', deletionProtection: 'yes' }, '/deletionProtection'],
    [{ name: 'shop', status: 'available' }, '/status'],
  ],
  updateAddon: [
    [{ name: '-' }, '/name'],
    [{ labels: { app: 'a\0b' } }, '/labels/app'],
    [{ postgresVersion: 16 }, '/postgresVersion'],
    [{ deletionProtection: null }, '/deletionProtection'],
    [{ backupPolicy: { x: 1 } }, '/backupPolicy/x'],
    [{ backupPolicy: { fullEvery: 'PT6H', differentialEvery: 'PT7H' } }, '/backupPolicy/differentialEvery'],
    [{ backupPolicy: { drillProbe: 'a\0b' } }, '/backupPolicy/drillProbe'],
    [{ backupPolicy: { drillProbe: '\ud800' } }, '/backupPolicy/drillProbe'],
  ],
  createRestore: [
    [{}, '/target'],
    [{ target: {} }, '/target'],
    [{ target: { time: '2026-11-23T13:30:00Z', latest: true } }, '/target'],
    [{ target: { time: '2026-11-23T13:30:00' } }, '/target/time'],
    [{ target: { time: 1 } }, '/target/time'],
    [{ target: { latest: false } }, '/target/latest'],
    [{ target: { lsn: '0' } }, '/target/lsn'],
    [{ target: { lsn: '0/1', xid: '741' } }, '/target'],
    [{ target: { xid: '2' } }, '/target/xid'],
    [{ target: { xid: '4294967296' } }, '/target/xid'],
    [{ target: { xid: 741 } }, '/target/xid'],
    [{ target: { xid: '0x2e5' } }, '/target/xid'],
    [{ target: { name: '' } }, '/target/name'],
    [{ target: { name: 'n'.repeat(64) } }, '/target/name'],
    [{ target: { name: 'a\0b' } }, '/target/name'],
    [{ target: { latest: true }, exclusive: true }, '/exclusive'],
    [{ target: { name: 'before-upgrade' }, exclusive: true }, '/exclusive'],
    [{ target: { latest: true }, exclusive: 1 }, '/exclusive'],
    [{ target: { latest: true }, name: 'No' }, '/name'],
    [{ target: { latest: true }, force: true }, '/force'],
  ],
  planRestore: [
    [{}, '/target'],
    [{ target: { time: '2026-11-23T13:30:00' } }, '/target/time'],
    [{ target: { latest: true }, exclusive: 1 }, '/exclusive'],
    [{ target: { latest: true }, name: 'copy' }, '/name'],
  ],
  createRestorePoint: [
    [{}, '/name'],
    [{ name: '' }, '/name'],
    [{ name: 'n'.repeat(64) }, '/name'],
    [{ name: 'a\0b' }, '/name'],
    [{ name: '\ud800' }, '/name'],
    [{ name: 'before-upgrade', lsn: '0/1' }, '/lsn'],
  ],
  createCredential: [
    [{}, '/name'],
    [{ name: 'reporting' }, '/access'],
    [{ name: 'Reporting', access: 'read-only' }, '/name'],
    [{ name: 'a'.repeat(64), access: 'read-only' }, '/name'],
    [{ name: 'reporting', access: 'owner' }, '/access'],
    [{ name: 'reporting', access: 'read-only', password: 'mine' }, '/password'],
  ],
  rotateCredential: [
    [{}, '/overlapSeconds'],
    [{ overlapSeconds: -1 }, '/overlapSeconds'],
    [{ overlapSeconds: 2_592_001 }, '/overlapSeconds'],
  ],
  rotateOwnerCredential: [
    [{}, '/overlapSeconds'],
    [{ overlapSeconds: 1.5 }, '/overlapSeconds'],
    [{ overlapSeconds: '0' }, '/overlapSeconds'],
    [{ overlapSeconds: 0, password: 'mine' }, '/password'],
  ],
  createDrill: [
    [{ probe: 'select 1' }, '/probe'],
    [[], ''],
  ],
  createWebhookEndpoint: [
    [{}, '/url'],
    [{ url: 'https://a b' }, '/url'],
    [{ url: 'https://example.com/', eventTypes: [] }, '/eventTypes'],
    [{ url: 'https://example.com/', eventTypes: ['restore.*.*'] }, '/eventTypes/0'],
    [{ url: 'https://example.com/', description: 'a\0b' }, '/description'],
    [{ url: 'https://example.com/', secret: 'whsec_mine' }, '/secret'],
  ],
  updateWebhookEndpoint: [
    [{ url: '' }, '/url'],
    [{ eventTypes: 'restore.*' }, '/eventTypes'],
    [{ enabled: 1 }, '/enabled'],
    [{ tenantId: null }, '/tenantId'],
  ],
  rotateWebhookSecret: [
    [{ overlapSeconds: -1 }, '/overlapSeconds'],
    [{ overlapSeconds: 604_801 }, '/overlapSeconds'],
    [{ secret: 'whsec_mine' }, '/secret'],
  ],
  replayFailedWebhookDeliveries: [
    [{}, '/since'],
    [{ since: 'yesterday' }, '/since'],
  ],
  createBackup: [
    [{ type: 'huge' }, '/type'],
    [{ label: 'mine' }, '/label'],
  ],
}

test('there are wrong bodies here for every operation that takes one', async () => {
  const taking = (await documentedOperations()).filter((operation) => operation.body !== undefined)
  expect(Object.keys(WRONG).sort()).toEqual(taking.map((operation) => operation.id).sort())
})

test('400 points at what is wrong, and nothing is written', async () => {
  const api = await startApi()
  const { db, platform } = api
  const { client, ids } = await settle(api)
  const before = await rowCounts(db)

  for (const { id, method, path, platformOnly } of await documentedOperations()) {
    for (const [body, pointer] of WRONG[id] ?? []) {
      const url = fill(path, ids)
      const response = await (platformOnly ? platform : client)(method, url, body)
      expect(response.statusCode, `${id} ${JSON.stringify(body)}`).toBe(400)
      const { errors } = response.json() as { errors: { pointer: string; detail: string }[] }
      expect(
        errors.map((error) => error.pointer),
        `${id} ${JSON.stringify(body)}`,
      ).toContain(pointer)
    }
  }
  expect(await rowCounts(db)).toEqual(before)
})

test('the example in the document of each operation that takes a body is accepted', async () => {
  const api = await startApi()
  for (const { id, method, path, pathParameters, body, platformOnly } of await documentedOperations()) {
    if (body === undefined) continue
    const estate = await openEstate(api)
    await completeBackup(api.db, estate.addon)
    const url = fill(path, await idsOf(estate, pathParameters))
    const response = await (platformOnly ? api.platform : estate.client)(method, url, body)
    expect(response.statusCode, `${id}: ${response.body}`).toBeLessThan(300)
  }
})
