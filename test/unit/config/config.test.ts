import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { environment, loadConfig } from '../../../src/config/config.ts'

const readme = readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8')

/** The rows of the README's table: name, default, description. */
const rows = new Map(
  [...readme.matchAll(/^\| `([A-Z\d_]+)` +\| (?:`([^`]*)` +| +)\| (.+?) +\|$/gm)].map(
    ([, name = '', preset, description]) => [name, { preset, description }],
  ),
)

describe('the README', () => {
  test('lists exactly the variables that are read, each with its description', () => {
    const documented = [...rows].map(([name, { description }]) => [name, description])
    const read = Object.entries(environment.shape).map(([name, { description }]) => [name, description])
    expect(documented).toEqual(read)
  })

  test.each(Object.keys(environment.shape))('gives the default of %s', (name) => {
    const preset = rows.get(name)?.preset
    const configured = loadConfig(preset === undefined ? {} : { [name]: preset })
    expect(loadConfig({})).toEqual(configured)
  })
})

test('a backup policy that contradicts itself is refused', () => {
  const UNDROP_BACKUP_POLICY = JSON.stringify({ fullEvery: 'P1D' })
  expect(() => loadConfig({ UNDROP_BACKUP_POLICY })).toThrow(/differentialEvery must be shorter/)
})

test('every fault is listed at once, and no value is echoed', () => {
  const faulty = { PORT: 'eighty', UNDROP_MASTER_KEY: 'hunter2', UNDROP_PORT_RANGE: '300-200' }
  expect(() => loadConfig(faulty)).toThrow(/PORT: .*UNDROP_MASTER_KEY: .*UNDROP_PORT_RANGE: /s)
  expect(() => loadConfig(faulty)).not.toThrow(/eighty|hunter2|300-200/)
})
