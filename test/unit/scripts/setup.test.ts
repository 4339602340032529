import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const SCRIPT = join(import.meta.dirname, '../../../scripts/setup.sh')

/** Runs the script with nothing on its path but those programs. */
async function setUp(args: string[], programs: Record<string, string>) {
  const directory = await mkdtemp(join(tmpdir(), 'undrop-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  for (const [name, target] of Object.entries(programs)) await symlink(target, join(directory, name))
  return spawnSync('/bin/bash', [SCRIPT, ...args], { env: { PATH: directory }, encoding: 'utf8' })
}

const ceph = Object.fromEntries(
  ['ceph-mon', 'ceph-osd', 'radosgw', 'ceph', 'openssl'].map((name) => [name, '/bin/true']),
)
const everything = {
  initdb: '/bin/true',
  pgbackrest: '/bin/true',
  'redis-server': '/bin/true',
  'curl': '/bin/true',
  'jq': '/bin/true',
  ...ceph,
}

test('it is silent when nothing is missing', async () => {
  expect(await setUp(['--test'], everything)).toMatchObject({ status: 0, stdout: '', stderr: '' })
})

test('it names what is missing, and how to get it, where there is no apt-get', async () => {
  const { status, stderr } = await setUp([], { initdb: '/bin/true', cat: '/bin/cat' })
  expect(status).toBe(1)
  expect(stderr).toContain('missing: pgbackrest;')
  expect(stderr).toMatch(/PostgreSQL server.*pgBackRest.*Redis/s)
})

test('Redis is asked for only by the tests', async () => {
  const { 'redis-server': _, ...withoutRedis } = everything
  expect(await setUp([], withoutRedis)).toMatchObject({ status: 0 })
  const { status, stderr } = await setUp(['--test'], { ...withoutRedis, cat: '/bin/cat' })
  expect(status).toBe(1)
  expect(stderr).toContain('missing: redis-server;')
})

test.each(['--s3', '--test'])('an object store is asked for by %s, and only so', async (argument) => {
  const withoutGateway: Record<string, string> = { ...everything, cat: '/bin/cat' }
  delete withoutGateway['radosgw']
  expect(await setUp([], withoutGateway)).toMatchObject({ status: 0 })
  const { status, stderr } = await setUp([argument], withoutGateway)
  expect(status).toBe(1)
  expect(stderr).toContain('missing: ceph-mon ceph-osd radosgw ceph-common openssl;')
})

test('an unknown argument is refused', async () => {
  expect(await setUp(['--everything'], everything)).toMatchObject({ status: 2 })
})
