import type { Random } from './random.ts'

/** In every text that is to be taken for SQL, for a path or for a command of a shell; in nothing else. */
export const MARK = 'fuzz4711'
/** What a shell would make that was reached. */
export const CANARY_FILE = `/tmp/undrop-${MARK}`

const texts: readonly string[] = [
  '',
  ' ',
  '\u0000',
  `a\u0000${MARK}`,
  '\ud800',
  'x\udfffx',
  '\u202egnp',
  '\u{1f600}'.repeat(60),
  'ÿ'.repeat(300),
  'a'.repeat(10_000),
  `'; drop table addon; -- ${MARK}`,
  `' or '1'='1' -- ${MARK}`,
  `" or ""="${MARK}`,
  `\\'; select pg_sleep(60); -- ${MARK}`,
  `${MARK}'||(select secret_hash from api_key)||'`,
  `$$${MARK}$$`,
  `$(touch ${CANARY_FILE})`,
  `\`touch ${CANARY_FILE}\``,
  `; touch ${CANARY_FILE} #`,
  `|touch ${CANARY_FILE}`,
  `--config=/${MARK}`,
  `../../../../../../${MARK}`,
  `/etc/${MARK}`,
  `file:///etc/${MARK}`,
  'http://169.254.169.254/latest/meta-data/',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  'null',
  'undefined',
  'NaN',
  'infinity',
  '-infinity',
  'now()',
  '0000-00-00T00:00:00Z',
  '+275760-09-13T00:00:00Z',
  '9999-12-31T23:59:60.999999999Z',
  '2026-11-23T14:00:00.123456789123Z',
  '294277-01-01T00:00:00Z',
  '4713-01-01T00:00:00Z BC',
  '0/0',
  'FFFFFFFF/FFFFFFFF',
  '18446744073709551616',
  '%s%n%x',
  '{{7*7}}',
  `<script>${MARK}</script>`,
]

export const hostileText = (random: Random): string => random.pick(texts)

const values: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  0.1,
  1e308,
  -1e308,
  5e-324,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 53,
  2 ** 63,
  2 ** 64,
  [],
  {},
  [[]],
  [null],
  { length: -1 },
  { toString: 'x' },
  JSON.parse('{"then": "x"}'),
  { $ref: '#' },
  JSON.parse('{"__proto__": {"admin": true}}'),
  { constructor: { prototype: { admin: true } } },
]

export function hostileValue(random: Random): unknown {
  if (random.chance(0.4)) return hostileText(random)
  if (random.chance(0.05)) return Array.from({ length: 2000 }, () => hostileText(random).slice(0, 10))
  if (random.chance(0.05)) return nested(random.pick([10, 100, 3000]), random.chance(0.5))
  return random.pick(values)
}

function nested(depth: number, asList: boolean): unknown {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = asList ? [value] : { a: value }
  return value
}

/** Bodies that are no JSON, or that parsers disagree on. */
export const brokenBodies: readonly (string | Buffer)[] = [
  '{',
  '}',
  '{"name":',
  '{"name":"a"',
  '{"name":"a"}}',
  '{"name":"a","name":"b"}',
  '{"name":1e400}',
  '{"name":01}',
  '{"name":"\\ud800"}',
  '{"name":"\\u0000"}',
  "{'name':'a'}",
  'name=a',
  '[',
  '['.repeat(30_000),
  '{"a":'.repeat(10_000),
  `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
  'null',
  '"text"',
  '0',
  ' ',
  '\u0000',
  '\ufeff{"name":"a"}',
  '{"__proto__":{"x":1},"name":"a"}',
  '{"constructor":{"prototype":{"x":1}}}',
  Buffer.from([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]),
  Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]),
  Buffer.alloc(70_000, 0x20),
]

export const mediaTypes: readonly string[] = [
  'application/json',
  'application/json; charset=utf-8',
  'application/json; charset=utf-16',
  'application/json;charset="',
  'APPLICATION/JSON',
  'application/problem+json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/plain',
  'application',
  '/',
  '',
]

export const rawTargets: readonly string[] = [
  '/v1//addons',
  '/v1/addons/',
  '/v1/addons/%',
  '/v1/addons/%ff',
  '/v1/addons/%00',
  '/v1/addons/%2e%2e/tenants',
  '/v1/addons/../tenants',
  '/v1/../../etc/passwd',
  '/v1/addons/..%2f..%2fetc%2fpasswd',
  '/v1/addons;admin=true',
  '/v1/addons?limit=1&limit=2',
  '/v1/addons?limit[]=1',
  '/v1/addons?__proto__[x]=1',
  '/v1/addons?limit=%00',
  '/v1/addons?cursor=%ff%fe',
  '/v1/addons?%',
  '/V1/ADDONS',
  '//v1/addons',
  '*',
  'http://127.0.0.1/v1/addons',
  'http://example.test:99999/v1/addons',
  '/v1/addons#fragment',
  `/v1/addons?cursor=${'a'.repeat(12_000)}`,
  `/v1/addons/${'a'.repeat(12_000)}`,
  '/docs/../openapi.json',
  '/docs/static/..%2f..%2f..%2fpackage.json',
  '/docs/static/%2e%2e/%2e%2e/package.json',
]
