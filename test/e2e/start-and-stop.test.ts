import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import * as api from './client/sdk.gen.ts'
import { serverIdOf } from './support/admin.ts'
import { postmasterOf, processesOf } from './support/inventory.ts'
import { aProtectedAddon, aTenant, ok, query, restoredChild, until } from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

/** The reconciler looks every 10 s. */
const HEALED_SECONDS_MAX = 15

let undrop: Undrop
let addon: Awaited<ReturnType<typeof aProtectedAddon>>
let serverId: string

beforeAll(async () => {
  undrop = await startUndrop()
  addon = await aProtectedAddon(undrop, await aTenant(undrop))
  serverId = await serverIdOf(undrop, addon.login)
  await query(addon.login.url, 'create table kept as select generate_series(1, 100) as n')
})
afterAll(() => undrop.remove())

/** Starts the control plane as `npm start` does. */
function launch(env: NodeJS.ProcessEnv): ChildProcess {
  return fork(join(import.meta.dirname, '../../src/bin/start.ts'), {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
}

/** For a start that is to fail: its exit status and what it printed. */
async function failedStart(env: NodeJS.ProcessEnv): Promise<{ code: number; output: string }> {
  const child = launch(env)
  if (child.stdout === null || child.stderr === null) throw new Error('no pipes')
  const [[code], ...output] = await Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)])
  return { code, output: output.join('') }
}

const untilReady = () =>
  until(
    async () => (await fetch(`${undrop.url}/readyz`).catch(() => null))?.ok === true,
    'Undrop to be ready',
  )

async function rowsKept(): Promise<number> {
  const [row] = await query<{ n: number }>(addon.login.url, 'select count(*)::int as n from kept')
  return row?.n ?? 0
}

/** Waits until the add-on's database answers; returns the seconds that took. */
async function untilServing(): Promise<number> {
  const startedAt = performance.now()
  await until(async () => (await rowsKept().catch(() => 0)) === 100, 'the add-on to serve')
  return (performance.now() - startedAt) / 1000
}

const stateOf = ({ client }: Undrop) =>
  Promise.all([
    ok(api.listTenants({ client })),
    ok(api.getAddon({ client, path: { addonId: addon.id } })),
    ok(api.revealCredentials({ client, path: { addonId: addon.id } })),
    ok(api.listBackups({ client, path: { addonId: addon.id } })),
  ])

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends everything but the servers of add-ons, with exit status 0',
  async (signal) => {
    await undrop.stop()
    const child = launch(undrop.env)
    await untilReady()
    child.kill(signal)
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(await processIds()).toEqual([serverId])
    expect(await rowsKept()).toBe(100)
    await undrop.start()
  },
)

/** What runs below the data directory, by name: ids of servers, or `metadata`. */
async function processIds(): Promise<string[]> {
  const directories = (await processesOf(undrop)).map(
    ({ text }) => /\/servers\/(\w+)/.exec(text)?.[1] ?? text,
  )
  return [...new Set(directories)]
}

test('what the control plane knew it knows after a restart, and it goes on with its work', async () => {
  const before = await stateOf(undrop)
  await undrop.stop()
  await undrop.start()
  expect(await stateOf(undrop)).toEqual(before)
  const child = await restoredChild(undrop, addon.id, { latest: true })
  expect(await query(child.login.url, 'select count(*)::int as n from kept')).toEqual([{ n: 100 }])
  await ok(api.deleteAddon({ client: undrop.client, path: { addonId: child.restore.childAddonId } }))
})

test('a server that is killed runs again soon', async () => {
  process.kill(await postmasterOf(undrop, serverId), 'SIGKILL')
  await until(async () => (await rowsKept().catch(() => 0)) === 0, 'the server to be gone')
  expect(await untilServing()).toBeLessThan(HEALED_SECONDS_MAX)
})

test('a server that is killed while the control plane is stopped runs again soon after its start', async () => {
  await undrop.stop()
  process.kill(await postmasterOf(undrop, serverId), 'SIGKILL')
  await undrop.start()
  expect(await untilServing()).toBeLessThan(HEALED_SECONDS_MAX)
})

test('after a reboot all is as it was', async () => {
  const before = await stateOf(undrop)
  await undrop.stop()
  await undrop.start()
  // The power goes: no process has the time to do anything.
  for (const { pid } of await processesOf(undrop)) process.kill(pid, 'SIGKILL')
  await until(async () => (await processesOf(undrop)).length === 0, 'everything to be gone')
  await undrop.stop()
  await undrop.start()
  expect(await untilServing()).toBeLessThan(HEALED_SECONDS_MAX)
  expect(await stateOf(undrop)).toEqual(before)
})

test('a second start on the same data directory is refused, and the first goes on unharmed', async () => {
  const before = await stateOf(undrop)
  const { code, output } = await failedStart({ ...undrop.env, PORT: '0' })
  expect(code).toBe(1)
  expect(output).toContain(`Undrop runs on ${undrop.directory} already`)
  expect(await stateOf(undrop)).toEqual(before)
})

test('a data directory that the OS user cannot reach is refused with its path', async () => {
  const closed = await mkdtemp(join(tmpdir(), 'undrop-closed-'))
  onTestFinished(() => rm(closed, { recursive: true }))
  await chmod(closed, 0o700)
  const { code, output } = await failedStart({ ...undrop.env, UNDROP_DATA_DIR: join(closed, 'data') })
  expect(code).toBe(1)
  expect(output).toContain(join(closed, 'data'))
  expect(output).toContain(`may not enter ${closed}`)
})

test('a wrong configuration is refused with every fault and no value', async () => {
  const wrong = {
    PORT: '70001',
    UNDROP_PLATFORM_KEY: 'swordfish',
    UNDROP_MASTER_KEY: 'bm90IGEga2V5',
    DATABASE_URL: 'mysql://user:opensesame@localhost/undrop',
    REDIS_URL: 'http://user:opensesame@localhost',
    UNDROP_PORT_RANGE: '99-1',
    LOG_LEVEL: 'loud',
  }
  const { code, output } = await failedStart({ ...undrop.env, ...wrong })
  expect(code).toBe(1)
  for (const [name, value] of Object.entries(wrong)) {
    expect.soft(output).toContain(name)
    expect.soft(output).not.toContain(value)
  }
  expect(output).not.toContain('opensesame')
})

test('a platform key from the environment works, and is not written down', async () => {
  const key = `udk_${'k'.repeat(43)}`
  const other = await startUndrop({ UNDROP_PLATFORM_KEY: key })
  onTestFinished(() => other.remove())
  expect(other.client.getConfig().auth).toBe(key)
  expect((await ok(api.listTenants({ client: other.client }))).data).toEqual([])
  expect(await readdir(other.directory)).not.toContain('platform-key')
})

test('the metadata cluster is started again when it is killed', async () => {
  const pid = Number(
    (
      await readFile(join(undrop.directory, 'metadata/servers/metadata/var/data/postmaster.pid'), 'utf8')
    ).split('\n')[0],
  )
  process.kill(pid, 'SIGKILL')
  await until(async () => (await fetch(`${undrop.url}/readyz`)).status === 503, 'Undrop to notice')
  await untilReady()
  expect((await stateOf(undrop))[1]).toMatchObject({ id: addon.id })
})

test('a master key that the metadata was not sealed under is refused', async () => {
  await undrop.stop()
  const other = { UNDROP_MASTER_KEY: Buffer.alloc(32, 7).toString('base64') }
  const { code, output } = await failedStart({ ...undrop.env, ...other })
  expect(code).toBe(1)
  expect(output).toContain('sealed under another master key')
  await undrop.start()
})

test('a data directory that somebody else owns or can write to is refused with its path', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'undrop-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  await chmod(directory, 0o777)
  const { code, output } = await failedStart({ ...undrop.env, UNDROP_DATA_DIR: directory })
  expect(code).toBe(1)
  expect(output).toContain(`${directory} has to be a directory of ours`)
})

test('npm start ends everything when npm itself is told to stop', async () => {
  await undrop.stop()
  const root = join(import.meta.dirname, '../..')
  const npm = spawn('npm', ['start'], { cwd: root, env: { ...process.env, ...undrop.env }, stdio: 'ignore' })
  await untilReady()
  npm.kill('SIGTERM')
  await once(npm, 'exit')
  await until(async () => (await processIds()).join() === serverId, 'the control plane to be gone')
  await undrop.start()
})
