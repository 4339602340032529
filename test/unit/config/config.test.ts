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
  const UNDROP_BACKUP_POLICY = JSON.stringify({ fullEvery: 'P2D', differentialEvery: 'P2D' })
  expect(() => loadConfig({ UNDROP_BACKUP_POLICY })).toThrow(/differentialEvery must be shorter/)
})

test('a backup policy that says only how often full backups are taken is accepted, however often', () => {
  const UNDROP_BACKUP_POLICY = JSON.stringify({ fullEvery: 'P1D' })
  expect(loadConfig({ UNDROP_BACKUP_POLICY }).UNDROP_BACKUP_POLICY).toMatchObject({ fullEvery: 'P1D' })
})

test.each(['a\0b', '\ud800'])('a probe that PostgreSQL cannot read is refused: %j', (drillProbe) => {
  const UNDROP_BACKUP_POLICY = JSON.stringify({ drillProbe })
  expect(() => loadConfig({ UNDROP_BACKUP_POLICY })).toThrow(
    /UNDROP_BACKUP_POLICY\.drillProbe: must not have/,
  )
})

const S3 = { S3_BUCKET: 'archives', S3_ACCESS_KEY_ID: 'AKIA', S3_SECRET_ACCESS_KEY: 'a/secret+of=it' }

test.each([
  { S3_ENDPOINT: 'https://store.example:8443' },
  { S3_ENDPOINT: 'https://[2001:db8::1]/' },
  { S3_PREFIX: 'some/..prefix/.hidden/...' },
])('an object store may be given as %o', (more) => {
  expect(loadConfig({ ...S3, ...more })).toMatchObject(more)
})

test.each([
  ...['https://user:word@store.example', 'https://user@store.example', 'https://store.example/path'].map(
    (S3_ENDPOINT) => ({ S3_ENDPOINT }),
  ),
  ...['https://store.example/?', 'https://store.example?a=b', 'https://store.example/#part', 'nowhere'].map(
    (S3_ENDPOINT) => ({ S3_ENDPOINT }),
  ),
  ...['.', '..', 'some/../prefix', './prefix', 'prefix/.', '/prefix'].map((S3_PREFIX) => ({ S3_PREFIX })),
  { S3_ACCESS_KEY_ID: 'AK IA' },
  { S3_SECRET_ACCESS_KEY: 'secret\n' },
])('an object store may not be given as %o', (more) => {
  const [name = ''] = Object.keys(more)
  expect(() => loadConfig({ ...S3, ...more })).toThrow(`${name}: `)
})

test.each([
  { S3_ENDPOINT: 'https://store.example' },
  { S3_PREFIX: 'undrop' },
  { S3_CA_FILE: '/etc/authorities.pem' },
  { S3_ACCESS_KEY_ID: 'AKIA' },
])('without a bucket %o is an oversight', (given) => {
  const [name = ''] = Object.keys(given)
  expect(() => loadConfig(given)).toThrow(`S3_BUCKET: is needed with ${name}`)
})

test('every fault is listed at once, and no value is echoed', () => {
  const faulty = { PORT: 'eighty', UNDROP_MASTER_KEY: 'hunter2', UNDROP_PORT_RANGE: '300-200' }
  expect(() => loadConfig(faulty)).toThrow(/PORT: .*UNDROP_MASTER_KEY: .*UNDROP_PORT_RANGE: /s)
  expect(() => loadConfig(faulty)).not.toThrow(/eighty|hunter2|300-200/)
})
