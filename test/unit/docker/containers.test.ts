import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { environment } from '../../../src/config/config.ts'

const ROOT = join(import.meta.dirname, '../../..')
const ENTRYPOINT = join(ROOT, 'docker/entrypoint.sh')
const read = (path: string) => readFile(join(ROOT, path), 'utf8')

/** What the entry point runs, as it stands on the command line of `node`, and what that finds in its environment. */
async function entered(args: string[], variables: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'undrop-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'node'), '#!/bin/sh\necho "$@"\nenv\n', { mode: 0o755 })
  const env = { PATH: `${directory}:${process.env['PATH']}`, UNDROP_DATA_DIR: directory, ...variables }
  return (await promisify(execFile)('sh', [ENTRYPOINT, ...args], { env })).stdout.split('\n')
}

/** Files of `src/bin` that work with what is configured. */
async function commands(): Promise<string[]> {
  const files = (await readdir(join(ROOT, 'src/bin'))).filter((file) => file.endsWith('.ts'))
  const texts = await Promise.all(files.map((file) => read(`src/bin/${file}`)))
  return files
    .filter((_, index) => texts[index]?.includes('loadConfig(process.env)'))
    .map((file) => file.replace(/\.ts$/, ''))
}

test('the image runs every process and every command of an operator by name, with its arguments', async () => {
  const names = await commands()
  expect(names).toEqual(expect.arrayContaining(['api', 'ca', 'migrate', 'reseal', 'start', 'worker']))
  for (const name of names) expect((await entered([name]))[0], name).toBe(`src/bin/${name}.ts`)
  expect((await entered(['ca', 'add']))[0]).toBe('src/bin/ca.ts add')
})

test('secrets are read from files, for commands as for processes', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'undrop-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const file = join(directory, 'secret')
  await writeFile(file, 'swordfish\n')
  const guide = await read('docs/operations/containers.md')
  const listed = /Each of (.*?) can be named with `_FILE`/s.exec(guide)?.[1] ?? ''
  const names = [...listed.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)
  expect(names).toContain('UNDROP_MASTER_KEY')
  const files = Object.fromEntries(names.map((name) => [`${name}_FILE`, file]))
  for (const command of ['worker', 'ca']) {
    const environment = await entered([command], files)
    expect(environment).toEqual(expect.arrayContaining(names.map((name) => `${name}=swordfish`)))
  }
})

test.each(['Dockerfile', 'docker-compose.yml'])('%s sets variables that there are', async (path) => {
  const text = await read(path)
  const set = [...text.matchAll(/^\s+(?:ENV )?([A-Z][A-Z0-9_]+)[:=]/gm)].map(([, name = '']) => name)
  const ours = set.filter((name) => !/^(POSTGRES|MINIO)_|^(DEBIAN_FRONTEND|NODE_ENV)$/.test(name))
  const known = Object.keys(environment.shape).flatMap((name) => [name, `${name}_FILE`])
  expect(ours.length).toBeGreaterThan(2)
  expect(ours.filter((name) => !known.includes(name))).toEqual([])
})

test('files that the composition runs are there', async () => {
  const named = [...(await read('docker-compose.yml')).matchAll(/\b(?:docker|src)\/[\w./-]+/g)].map(
    ([path]) => path,
  )
  expect(named.length).toBeGreaterThan(1)
  for (const path of named) expect((await read(path)).length, path).toBeGreaterThan(0)
})
