import { describe, expect, test } from 'vitest'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { redact } from '../../../src/telemetry/redact.ts'

const SECRET = 'opensesame/+Zx9'
const S3_SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const PEM = `-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49opensesame\n-----END PRIVATE KEY-----`

/** What one line logs as, with the process's own secret known. */
function logged(log: (logger: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = []
  log(createLogger({ level: 'trace', secrets: [S3_SECRET] }, { write: (line) => void lines.push(line) }))
  return lines.join('')
}

const texts: Readonly<Record<string, string>> = {
  'an authorization header': `Authorization: Bearer ${SECRET}`,
  'a URL with a password': `postgresql://owner:opensesame%2F@db.example.test:5432/shop`,
  'a URL with a strange password': `redis://:open@sesame"quoted@10.0.0.1:6379`,
  'a connection string': `host=/run user=owner password=opensesame dbname=shop`,
  'a quoted connection string': `host=/run password='open \\'sesame opensesame' dbname=shop`,
  'a quoted connection string that ends in a backslash': `password='open sesame\\\\ opensesame\\' x=1`,
  'a quoted connection string that is cut off': `host=/run password='open \\n opensesame \\`,
  'a statement': `alter role owner password 'opensesame'`,
  'a statement with a quote in the password': `alter role owner password 'a''opensesame'`,
  'a query': `/v1/x?token=opensesame&limit=1`,
  'an environment': `PGPASSWORD=opensesame AWS_SECRET_ACCESS_KEY=opensesame`,
  'an option of pgBackRest': `repo1-cipher-pass=opensesame repo1-s3-key-secret=opensesame`,
  'a webhook secret': `whsec_opensesame+/=`,
  'an API key': `udk_opensesame_opensesame_opensesame_opensesame`,
  'a private key': PEM,
  'a private key that is cut off': PEM.slice(0, 60),
  'JSON in a text': JSON.stringify({ password: 'opensesame', deeper: { apiKey: 'opensesame' } }),
  'a secret of the process': `signed with ${S3_SECRET}`,
}

const shapes: Readonly<Record<string, (text: string) => (logger: ReturnType<typeof createLogger>) => void>> =
  {
    'the message': (text) => (logger) => logger.info(text),
    'a field': (text) => (logger) => logger.info({ detail: text }, 'x'),
    'a field five levels deep': (text) => (logger) =>
      logger.info({ a: { b: { c: { d: [{ text }] } } } }, 'x'),
    'an error': (text) => (logger) => logger.error({ err: new Error(text) }, 'x'),
    'the cause of a cause of an error': (text) => (logger) => {
      const cause = new Error('inner', { cause: new Error(text) })
      logger.error({ err: new Error('outer', { cause }) }, 'x')
    },
    'an error of several': (text) => (logger) =>
      logger.error({ err: new AggregateError([new Error(text)]) }, 'x'),
    'a fact of a child logger': (text) => (logger) => logger.child({ text }).info('x'),
  }

for (const [shape, log] of Object.entries(shapes)) {
  test.each(Object.entries(texts))(`no secret is logged in ${shape}: %s`, (_name, text) => {
    const output = logged(log(text))
    expect(output).not.toMatch(/opensesame|sesame|MIGHAg/)
    expect(output).not.toContain(S3_SECRET)
    for (const line of output.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow()
  })
}

test.each([
  ['authorization', 'x'.repeat(10)],
  ['password', 'a"b\\'],
  ['secretAccessKey', SECRET],
  ['S3_SECRET_ACCESS_KEY', SECRET],
  ['cipherPass', SECRET],
  ['masterKey', Buffer.from(SECRET)],
  ['secrets', [SECRET, SECRET]],
  ['privateKey', SECRET],
  ['set-cookie', SECRET],
])('a field that is named %s is blanked at any depth', (name, value) => {
  const output = logged((logger) =>
    logger.info({ a: { b: { c: { d: { [name]: value, kept: 'kept' } } } } }, 'x'),
  )
  expect(JSON.parse(output).a.b.c.d).toEqual({ [name]: '[redacted]', kept: 'kept' })
})

test('what is no secret stays as it is', () => {
  const facts = {
    operationId: 'op_1',
    path: '/v1/addons',
    url: 'https://s3.example.test/bucket',
    code: 'password',
  }
  expect(JSON.parse(logged((logger) => logger.info(facts, 'the password is wrong')))).toMatchObject({
    ...facts,
    msg: 'the password is wrong',
  })
})

describe('a line is searched in a time that its length decides, whatever callers have put in it', () => {
  const LENGTH = 32_768
  const parts = [
    '-password',
    'password',
    'password.',
    "password='",
    'a-',
    'a+',
    'a://',
    'a:',
    '\\',
    '\\"',
    '\\"password\\":\\"',
    '\\\\\\"password\\\\\\":',
    '"',
    'Bearer ',
    'udk_',
    '-----BEGIN PRIVATE KEY-----',
    'SCRAM-SHA-256$',
    'password ',
    'password =',
    "password '",
  ]
  const starts = ['', "password='", 'password=', 'x://', 'password ', '\\"password\\":\\"']

  test.each(starts.flatMap((start) => parts.map((part) => [start, part])))(
    '%s%s, repeated',
    (start, part) => {
      const path = start + part.repeat(LENGTH / part.length)
      const line = JSON.stringify({ path, after: "it's said" })
      const limit = performance.now() + 1000
      const clean = redact(line)
      expect(performance.now()).toBeLessThan(limit)
      expect(JSON.parse(clean).after).toBe("it's said")
    },
  )
})
