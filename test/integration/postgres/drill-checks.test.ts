import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CommandSpec } from '../../../src/drivers/driver.ts'
import { hbaPrivate } from '../../../src/postgres/access.ts'
import { canLogIn } from '../../../src/postgres/admission.ts'
import { amcheckTask, damagedRelations } from '../../../src/postgres/amcheck.ts'
import { lastCommitOf } from '../../../src/postgres/last-commit.ts'
import { runProbe } from '../../../src/postgres/probe.ts'
import { readAllRows } from '../../../src/postgres/read-rows.ts'
import { createOwner } from '../../../src/postgres/roles.ts'
import { scramVerifier } from '../../../src/postgres/scram.ts'
import { type BareServer, bareServer } from '../../support/bare-server.ts'
import { until } from '../../support/until.ts'

let server: BareServer
beforeAll(async () => {
  server = await bareServer()
  await server.initialise()
  const enable = ['--enable', '--no-sync', '-D', server.paths.dataDirectory] as const
  await succeed([server.program('pg_checksums'), ...enable])
  await server.start()
  const owner = { username: 'owner', verifier: scramVerifier('secret'), databaseName: 'app' }
  await server.openAdmin('postgres', (client) => createOwner(client, owner))
  await run(
    `CREATE TABLE public.items AS SELECT n, repeat(md5(n::text), 10) AS text FROM generate_series(1, 5000) AS n`,
    'CREATE UNIQUE INDEX items_n ON public.items (n)',
    'CREATE TABLE public.large (document text)',
    'ALTER TABLE public.large ALTER document SET STORAGE EXTERNAL',
    `INSERT INTO public.large SELECT repeat(md5(n::text), 1000) FROM generate_series(1, 10) AS n`,
    'CREATE MATERIALIZED VIEW public.few AS SELECT n FROM public.items WHERE n < 4',
    'CREATE SEQUENCE public.numbers',
    'GRANT ALL ON ALL TABLES IN SCHEMA public TO owner',
    'GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO owner',
  )
  await server.openAdmin('app', (client) => client.query('VACUUM (FREEZE, ANALYZE)'))
})
afterAll(() => server[Symbol.asyncDispose]())

const run = (...statements: string[]) =>
  server.openAdmin('app', async (client) => {
    for (const statement of statements) await client.query(statement)
  })

async function succeed(argv: readonly [string, ...string[]]): Promise<void> {
  const { exitCode, stdout, stderr } = await server.run({ argv })
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stdout}${stderr}`)
}

const readAll = () => readAllRows(server.openAdmin, () => {})

async function amcheck() {
  const { argv, env } = amcheckTask(server.program('pg_amcheck'), server.connection)
  const { exitCode, stdout } = await server.run({ argv, env })
  return damagedRelations({ exitCode, stdoutTail: stdout })
}

/** While the page at that place of a relation is damaged, with nothing of it in memory. */
async function whileDamaged(relation: string, page: number, check: () => Promise<void>): Promise<void> {
  const file = await server.openAdmin('app', async (client) => {
    const { rows } = await client.query<{ path: string }>(
      'SELECT pg_relation_filepath($1::regclass) AS path',
      [relation],
    )
    return join(server.paths.dataDirectory, rows[0]?.path ?? '')
  })
  const page8k = ['bs=1', 'conv=notrunc', 'status=none']
  await server.stop()
  await succeed(['cp', file, `${file}.sound`])
  await succeed([
    'sh',
    '-c',
    `printf damaged | dd of="$0" seek=${page * 8192 + 5000} ${page8k.join(' ')}`,
    file,
  ])
  await server.start()
  try {
    await check()
  } finally {
    await server.stop()
    await succeed(['mv', `${file}.sound`, file])
    await server.start()
  }
}

const login = () => ({
  host: server.paths.socketDirectory,
  port: server.port,
  user: 'owner',
  password: 'secret',
  database: 'app',
})

const probe = (query: string, timeoutSeconds?: number) =>
  runProbe(login(), query, {
    program: server.program('psql'),
    run: server.run,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  })

test('a sound server passes, and its rows are counted', async () => {
  expect(await readAll()).toEqual({ tables: 3, rows: 5013, unreadable: 0 })
  expect(await amcheck()).toBe(0)
})

test('a damaged page is found though an index could answer for it', async () => {
  await whileDamaged('public.items', 3, async () => {
    expect(await readAll()).toEqual({ tables: 3, rows: 13, unreadable: 1 })
    expect(await amcheck()).toBeGreaterThan(0)
  })
})

test('a damaged page of large values is found', async () => {
  const toast = await server.openAdmin('app', async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT reltoastrelid::regclass::text AS name FROM pg_class WHERE oid = 'public.large'::regclass`,
    )
    return rows[0]?.name ?? ''
  })
  await whileDamaged(toast, 2, async () => {
    expect(await readAll()).toEqual({ tables: 3, rows: 5013, unreadable: 1 })
  })
})

test('a damaged index is found, which reading rows does not touch', async () => {
  await whileDamaged('public.items_n', 2, async () => {
    expect(await readAll()).toEqual({ tables: 3, rows: 5013, unreadable: 0 })
    expect(await amcheck()).toBe(1)
  })
})

test('what an owner sets on the database does not stop the checks', async () => {
  await run(
    'ALTER DATABASE app SET default_transaction_read_only = on',
    `ALTER DATABASE app SET statement_timeout = 1`,
  )
  expect(await readAll()).toMatchObject({ unreadable: 0 })
  expect(await amcheck()).toBe(0)
  await run('ALTER DATABASE app RESET ALL')
})

test.each([
  ['SELECT 1', { passed: true }],
  ['TABLE public.few -- all of it', { passed: true }],
  ['SELECT false, true', { passed: false, why: 'false' }],
  ['SELECT NULL', { passed: false, why: 'null' }],
  ['SELECT n FROM public.items WHERE n < 0', { passed: false, why: 'no-row' }],
  ["SELECT nextval('public.numbers')", { passed: false, why: 'error', code: '25006' }],
  ['SELECT 1; SELECT 2', { passed: false, why: 'error', code: '42601' }],
  ['SELECT rolpassword FROM pg_authid', { passed: false, why: 'error', code: '42501' }],
  [`SELECT pg_read_file('PG_VERSION')`, { passed: false, why: 'error', code: '42501' }],
  ['SELECT true; -- all of it', { passed: true }],
  ["SELECT 'f', false", { passed: true }],
  ["SELECT '', NULL, E'a\\nb'", { passed: true }],
  ['VALUES (1, 1), (2, 2)', { passed: true }],
  ['WITH few AS (TABLE public.few) SELECT n AS "a\n|b", n FROM few', { passed: true }],
  ['SELECT FROM public.items', { passed: false, why: 'null' }],
  ['SELECT 1; COMMIT; DROP TABLE public.few', { passed: false, why: 'error', code: '42601' }],
  ['', { passed: false, why: 'error', code: '42601' }],
  ["SELECT session_user = current_user AND session_user = 'owner'", { passed: true }],
])('the probe %s', async (query, result) => {
  expect(await probe(query)).toEqual(result)
})

test.each(['SELECT true \\! touch ', "SELECT :'x' \\g ", 'SELECT true \\o '])(
  'psql does not obey what the probe says: %s',
  async (query) => {
    const file = join(server.paths.lockDirectory, 'obeyed')
    expect(await probe(query + file)).toEqual({ passed: false, why: 'error', code: '42601' })
    await expect(access(file)).rejects.toThrow('ENOENT')
  },
)

/** Runs it as the body of a function of the owner's database. */
async function probeOf(body: string, timeoutSeconds?: number) {
  await run(`CREATE OR REPLACE FUNCTION public.act() RETURNS boolean LANGUAGE plpgsql AS $act$ ${body} $act$`)
  return probe('SELECT public.act()', timeoutSeconds)
}
const HUGE = `repeat('x', 600000000)`

test('nothing large reaches us, whatever the probe answers or raises', async () => {
  const outputs: number[] = []
  const measured = async (query: string) => {
    const result = await runProbe(login(), query, {
      program: server.program('psql'),
      run: async (command) => {
        const ran = await server.run(command)
        outputs.push(ran.stdout.length + ran.stderr.length)
        return ran
      },
    })
    return result
  }
  expect(await measured(`SELECT repeat('x', 10000000)`)).toEqual({ passed: true })
  expect(await measured(`SELECT ${HUGE}`)).toEqual({ passed: false, why: 'unanswered' })
  expect(await probeOf(`BEGIN RAISE NOTICE '%', ${HUGE}; RETURN true; END`)).toEqual({ passed: true })
  const raised = await probeOf(`BEGIN RAISE EXCEPTION '%', ${HUGE}; END`)
  expect(raised).toMatchObject({ passed: false })
  expect(Math.max(...outputs)).toBeLessThan(2e6)
}, 120_000)

test('what a probe raises is its own fault, whatever SQLSTATE it gives it', async () => {
  expect(await probeOf(`BEGIN RAISE EXCEPTION USING errcode = '57P01', message = 'a row'; END`)).toEqual({
    passed: false,
    why: 'error',
    code: '57P01',
  })
})

test('a probe that ends its own session has no answer', async () => {
  expect(await probe('SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(60)')).toEqual({
    passed: false,
    why: 'unanswered',
  })
})

test('a probe is ended after its time, also one that does not heed it', async () => {
  const long = { passed: false, why: 'error', code: '57014' }
  expect(await probe('SELECT pg_sleep(600)', 1)).toEqual(long)
  const deaf = `BEGIN LOOP BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END`
  expect(await probeOf(deaf, 1)).toEqual({ passed: false, why: 'timed-out' })
}, 30_000)

test('the password of a probe is in no command line', async () => {
  const seen: string[][] = []
  const place = {
    program: server.program('psql'),
    run: (command: CommandSpec) => {
      seen.push([...command.argv])
      return server.run(command)
    },
  }
  expect(await runProbe(login(), 'SELECT 4711', place)).toEqual({ passed: true })
  expect(seen.flat().join(' ')).not.toMatch(/secret|4711/)
  expect(await runProbe({ ...login(), password: 'another' }, 'SELECT true', place)).toEqual({
    passed: false,
    why: 'unanswered',
  })
})

test('behind a private hba the owner gets in over the socket, and nobody over the network', async () => {
  const network = { ...login(), host: '127.0.0.1', ssl: { ca: server.caCertificate } }
  expect(await canLogIn(network)).toBe(true)
  await server.writeConfig('pg_hba.conf', hbaPrivate())
  await run('SELECT pg_reload_conf()')
  await until(async () => !(await canLogIn(network)))
  expect(await canLogIn(login())).toBe(true)
  expect(await probe('SELECT true')).toEqual({ passed: true })
})

test('the last commit is read without making one', async () => {
  const lastCommit = () => server.openAdmin('postgres', lastCommitOf)
  await run('CREATE TABLE public.later ()')
  const committedAt = await lastCommit()
  expect(committedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  expect(await lastCommit()).toBe(committedAt)
})
