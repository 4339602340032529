import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../../..')

interface Summary {
  totalCruised: number
  violations: { rule: { name: string }; from: string; to: string }[]
}

/** Checks the rules of the layers against `src/` below a directory: how many files, and what they break. */
async function cruise(directory: string): Promise<{ totalCruised: number; violations: string[] }> {
  const { totalCruised, violations } = await runCruiser(directory)
  const described = violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)
  return { totalCruised, violations: described.sort() }
}

function runCruiser(directory: string): Promise<Summary> {
  const program = join(ROOT, 'node_modules/.bin/depcruise')
  const args = ['--config', join(ROOT, '.dependency-cruiser.cjs'), '--output-type', 'json', 'src']
  return new Promise((resolve, reject) => {
    // The exit status counts the violations, so only the output tells whether it ran.
    execFile(program, args, { cwd: directory, maxBuffer: 64 * 2 ** 20 }, (error, stdout) => {
      if (stdout === '') reject(error)
      else resolve((JSON.parse(stdout) as { summary: Summary }).summary)
    })
  })
}

async function aTree(files: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'undrop-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), text)
  }
  return directory
}

test('the tree keeps the direction of its layers', async () => {
  const { totalCruised, violations } = await cruise(ROOT)
  expect(totalCruised).toBeGreaterThan(10)
  expect(violations).toEqual([])
})

test('every import against the direction is refused, even of a type', async () => {
  const forbidden = [
    ['layer-domain', 'domain/a.ts', 'db/a.ts'],
    ['layer-lib', 'lib/b.ts', 'domain/b.ts'],
    ['layer-http', 'http/c.ts', 'db/c.ts'],
    ['layer-http', 'http/d.ts', 'operations/open.ts'],
    ['layer-services', 'services/e.ts', 'operations/e.ts'],
    ['layer-services', 'services/f.ts', 'drivers/driver.ts'],
    ['layer-services', 'services/g.ts', 'config/g.ts'],
    ['layer-operations', 'operations/h.ts', 'drivers/local/h.ts'],
    ['layer-operations', 'operations/i.ts', 'http/i.ts'],
    ['layer-drivers', 'drivers/local/j.ts', 'db/j.ts'],
    ['layer-drivers', 'drivers/local/k.ts', 'backup/engine.ts'],
    ['layer-backup', 'backup/pgbackrest/l.ts', 'drivers/local/l.ts'],
    ['layer-notify', 'notify/m.ts', 'db/m.ts'],
    ['layer-outbox', 'notify/outbox.ts', 'http/n.ts'],
    ['layer-postgres', 'postgres/o.ts', 'db/o.ts'],
    ['layer-db', 'db/p.ts', 'services/p.ts'],
    ['layer-config', 'config/q.ts', 'bin/q.ts'],
    ['layer-unknown', 'other/r.ts', 'lib/r.ts'],
    ['adapters-apart', 'storage/local/s.ts', 'storage/s3/s.ts'],
  ] as const
  const files = forbidden.flatMap(([, from, to]) => [
    [`src/${from}`, `import type { Thing } from '${'../'.repeat(from.split('/').length - 1)}${to}'`],
    [`src/${to}`, 'export type Thing = string'],
  ])
  const { violations } = await cruise(await aTree(Object.fromEntries(files)))
  expect(violations).toEqual(forbidden.map(([rule, from, to]) => `${rule}: src/${from} → src/${to}`).sort())
})

test('imports in the direction of the layers are allowed', async () => {
  const tree = await aTree({
    'src/bin/start.ts': "import '../http/server.ts'; import '../drivers/local/driver.ts'",
    'src/http/server.ts': "import '../services/create-addon.ts'",
    'src/services/create-addon.ts': "import '../operations/open.ts'",
    'src/operations/open.ts':
      "import '../notify/outbox.ts'; import type { Driver } from '../drivers/driver.ts'",
    'src/notify/outbox.ts': "import '../db/client.ts'",
    'src/db/client.ts': 'export const client = null',
    'src/drivers/driver.ts': 'export interface Driver {}',
    'src/drivers/local/driver.ts': "import type { Driver } from '../driver.ts'",
  })
  expect(await cruise(tree)).toEqual({ totalCruised: 8, violations: [] })
})

test('circles, lost files, unknown files and I/O in the domain are refused', async () => {
  const tree = await aTree({
    'src/lib/one.ts': "import './two.ts'",
    'src/lib/two.ts': "import './one.ts'",
    'src/lib/lost.ts': 'export const lost = 1',
    'src/http/seeker.ts': "import './nowhere.ts'",
    'src/domain/reader.ts': "import { readFile } from 'node:fs/promises'",
  })
  const { violations } = await cruise(tree)
  expect(violations).toEqual([
    'domain-pure: src/domain/reader.ts → fs/promises',
    'no-cycle: src/lib/one.ts → src/lib/two.ts',
    'no-orphan: src/lib/lost.ts → src/lib/lost.ts',
    'no-unresolvable: src/http/seeker.ts → ./nowhere.ts',
  ])
})
