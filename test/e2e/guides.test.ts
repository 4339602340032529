import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { aProtectedAddon, aTenant, clockOf, query } from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

const GUIDES = join(import.meta.dirname, '../../docs/guides')

let undrop: Undrop
beforeAll(async () => {
  undrop = await startUndrop()
})
afterAll(() => undrop.remove())

/** Files that a guide tells to make, in a directory that goes with the test. */
async function filesOf(guide: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'undrop-guide-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const text = await readFile(join(GUIDES, guide), 'utf8')
  for (const [, name = '', content = ''] of text.matchAll(/^```\w+ file=(\S+)\n(.*?)^```$/gms))
    await writeFile(join(directory, name), content)
  return directory
}

test('the script of the guide rolls an add-on back, and asked again answers with the same child', async () => {
  const directory = await filesOf('roll-back-with-curl.md')
  const { id, login } = await aProtectedAddon(undrop, await aTenant(undrop))
  await query(login.url, 'create table customers as select n from generate_series(1, 5) as n')
  const before = await clockOf(login.url)
  await query(login.url, 'drop table customers')

  const env = { ...process.env, UNDROP_URL: `${undrop.url}/v1`, UNDROP_KEY: undrop.platformKey }
  const rollBack = async (...args: string[]) => {
    const { stdout, stderr } = await promisify(execFile)('sh', ['roll-back.sh', ...args], {
      cwd: directory,
      env,
    })
    expect(stderr).toContain('exactly: true')
    return stdout.trim()
  }
  const url = await rollBack(id, before)
  const trusted = `${url}&sslrootcert=${directory}/ca.pem`
  expect(await query(trusted, 'select count(*)::int as n from customers')).toEqual([{ n: 5 }])
  expect(await rollBack(id, before)).toBe(url)
  await expect(rollBack(id, '2001-01-01T00:00:00Z')).rejects.toThrow('before the recovery window')
})
