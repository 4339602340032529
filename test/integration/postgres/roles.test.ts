import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newPassword } from '../../../src/domain/credentials.ts'
import { withAdmin } from '../../../src/postgres/connect.ts'
import { createOwner, secureRoles } from '../../../src/postgres/roles.ts'
import { scramVerifier } from '../../../src/postgres/scram.ts'
import { type BareServer, bareServer } from '../../support/bare-server.ts'

let server: BareServer
beforeAll(async () => {
  server = await bareServer()
  await server.initialise()
  await server.start()
})
afterAll(() => server[Symbol.asyncDispose]())

async function logIn(user: string, password: string, database: string): Promise<string> {
  const ssl = { ca: server.caCertificate }
  const client = new pg.Client({ host: '127.0.0.1', port: server.port, user, password, database, ssl })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query('SELECT current_user AS who')
    return rows[0].who
  } finally {
    await client.end()
  }
}

const admin = (...statements: string[]) =>
  server.openAdmin('postgres', async (client) => {
    for (const statement of statements) await client.query(statement)
  })

const sql = async (query: string, database = 'postgres') =>
  (await server.openAdmin(database, (client) => client.query(query))).rows

let serial = 0
async function anOwner() {
  serial += 1
  const username = `owner_${serial}`
  const databaseName = `App "${serial}"`
  const password = newPassword()
  const owner = { username, databaseName, verifier: scramVerifier(password) }
  await server.openAdmin('postgres', (client) => createOwner(client, owner))
  return { ...owner, password }
}

describe('createOwner', () => {
  test('lets the owner log in over TCP with the password whose verifier was set', async () => {
    const { username, password, databaseName } = await anOwner()
    expect(await logIn(username, password, databaseName)).toBe(username)
  })

  test('may be repeated, and then sets the password given last', async () => {
    const owner = await anOwner()
    const password = newPassword()
    await server.openAdmin('postgres', (client) =>
      createOwner(client, { ...owner, verifier: scramVerifier(password) }),
    )
    expect(await logIn(owner.username, password, owner.databaseName)).toBe(owner.username)
    await expect(logIn(owner.username, owner.password, owner.databaseName)).rejects.toThrow(
      'authentication failed',
    )
  })

  test('keeps the owner out of the databases of Undrop and without special rights', async () => {
    const { username, password } = await anOwner()
    await expect(logIn(username, password, 'postgres')).rejects.toThrow('permission denied')
    await expect(logIn(username, password, 'template1')).rejects.toThrow('permission denied')
    const [role] =
      await sql(`SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
                              AS special FROM pg_roles WHERE rolname = '${username}'`)
    expect(role).toEqual({ special: false })
  })

  test('keeps other owners out of the database', async () => {
    const [first, second] = [await anOwner(), await anOwner()]
    await expect(logIn(first.username, first.password, second.databaseName)).rejects.toThrow(
      'permission denied',
    )
  })
})

describe('access', () => {
  test('nobody can be our admin over TCP, whatever the password', async () => {
    await expect(logIn('undrop_admin', 'anything', 'postgres')).rejects.toThrow('rejects connection')
  })
})

describe('secureRoles', () => {
  let owner: Awaited<ReturnType<typeof anOwner>>
  let next: { fromUsernames: string[]; username: string; verifier: string }
  let nextPassword: string
  beforeEach(async () => {
    await admin(
      'DROP ROLE IF EXISTS legacy, agent, replica_reader, idle_group',
      "SET password_encryption = 'md5'",
      "CREATE ROLE legacy LOGIN PASSWORD 'legacy'",
      'RESET password_encryption',
      "CREATE ROLE agent LOGIN SUPERUSER PASSWORD 'agent'",
      "CREATE ROLE replica_reader LOGIN REPLICATION PASSWORD 'replica'",
      'CREATE ROLE idle_group',
    )
    owner = await anOwner()
    nextPassword = newPassword()
    next = {
      fromUsernames: [`${owner.username}_later`, owner.username, `${owner.username}_before`],
      username: `${owner.username}_next`,
      verifier: scramVerifier(nextPassword),
    }
  })
  const secure = () => server.openAdmin('postgres', (client) => secureRoles(client, next))

  test('gives the owner another name and password, and the parent’s credentials fail', async () => {
    await secure()
    expect(await logIn(next.username, nextPassword, owner.databaseName)).toBe(next.username)
    await expect(logIn(owner.username, owner.password, owner.databaseName)).rejects.toThrow(
      'authentication failed',
    )
    await expect(logIn(next.username, owner.password, owner.databaseName)).rejects.toThrow(
      'authentication failed',
    )
  })

  test('admits the owner even if the parent’s had an md5 password, an expiry and no connections', async () => {
    await admin(
      "SET password_encryption = 'md5'",
      `ALTER ROLE ${owner.username} PASSWORD 'old' VALID UNTIL '2001-01-01' CONNECTION LIMIT 0`,
    )
    await secure()
    expect(await logIn(next.username, nextPassword, owner.databaseName)).toBe(next.username)
  })

  test('takes login, password and replication from every other role, and reports each', async () => {
    const secured = await secure()
    expect(secured[0]).toEqual({ name: owner.username, action: 'renamed' })
    const locked = secured.filter(({ action }) => action === 'locked').map(({ name }) => name)
    expect(locked).toEqual(expect.arrayContaining(['agent', 'idle_group', 'legacy', 'replica_reader']))
    const rows = await sql(`SELECT rolname FROM pg_authid WHERE rolname <> 'undrop_admin'
                            AND (rolcanlogin OR rolreplication OR rolpassword IS NOT NULL)`)
    expect(rows).toEqual([{ rolname: next.username }])
  })

  test('may be repeated after a run whose answer was lost, with the same report', async () => {
    const first = await secure()
    expect(await secure()).toEqual(first)
    expect(await logIn(next.username, nextPassword, owner.databaseName)).toBe(next.username)
  })

  test('changes nothing at all when it fails half-way', async () => {
    const broken = { ...next, username: 'pg_reserved' }
    await expect(server.openAdmin('postgres', (client) => secureRoles(client, broken))).rejects.toThrow(
      'reserved',
    )
    expect(await logIn(owner.username, owner.password, owner.databaseName)).toBe(owner.username)
    expect(await logIn('agent', 'agent', 'postgres')).toBe('agent')
  })

  test('moves a role out of the way that has the new name already', async () => {
    await admin(`CREATE ROLE ${next.username} LOGIN PASSWORD 'squatter'`)
    await secure()
    expect(await logIn(next.username, nextPassword, owner.databaseName)).toBe(next.username)
    await expect(logIn(next.username, 'squatter', owner.databaseName)).rejects.toThrow(
      'authentication failed',
    )
  })

  test('renames whoever else is to log in, makes who is not there yet, and takes the newest name there is', async () => {
    await admin(
      `CREATE ROLE ${owner.username}_before LOGIN PASSWORD 'old' VALID UNTIL '2001-01-01'`,
      "CREATE ROLE reader LOGIN PASSWORD 'reader'",
    )
    const passwords = [newPassword(), newPassword()] as const
    const others = [
      { fromUsernames: ['reader'], username: `reader_${serial}`, verifier: scramVerifier(passwords[0]) },
      { fromUsernames: ['unheard_of'], username: `writer_${serial}`, verifier: scramVerifier(passwords[1]) },
    ]
    const secureAll = () => server.openAdmin('postgres', (client) => secureRoles(client, next, others))
    const secured = await secureAll()
    expect(secured.filter(({ action }) => action === 'renamed')).toEqual([
      { name: owner.username, action: 'renamed' },
      { name: 'reader', action: 'renamed' },
    ])
    expect(secured).toContainEqual({ name: `${owner.username}_before`, action: 'locked' })
    expect(await secureAll()).toEqual(secured)
    const place = pg.escapeIdentifier(owner.databaseName)
    await admin(`GRANT CONNECT ON DATABASE ${place} TO reader_${serial}, writer_${serial}`)
    expect(await logIn(`reader_${serial}`, passwords[0], owner.databaseName)).toBe(`reader_${serial}`)
    expect(await logIn(`writer_${serial}`, passwords[1], owner.databaseName)).toBe(`writer_${serial}`)
    for (const [name, password] of [
      ['reader', 'reader'],
      [`${owner.username}_before`, 'old'],
    ] as const)
      await expect(logIn(name, password, owner.databaseName)).rejects.toThrow('authentication failed')
  })

  test('leaves no trace of any password or verifier in the log', async () => {
    await secure()
    const log = await server.log()
    for (const secret of [owner.password, nextPassword, owner.verifier, next.verifier]) {
      expect(log).not.toContain(secret)
    }
  })
})

describe('withAdmin', () => {
  test('has the server end what takes longer than it may', async () => {
    const settings = withAdmin(server.connection, (client) => client.query('SHOW statement_timeout'), {
      queryTimeoutSeconds: 10,
    })
    expect((await settings).rows).toEqual([{ statement_timeout: '10s' }])
  })

  test('has its own settings whatever an owner sets on the database', async () => {
    const { username, password, databaseName } = await anOwner()
    const client = new pg.Client({
      host: '127.0.0.1',
      port: server.port,
      user: username,
      password,
      database: databaseName,
      ssl: { ca: server.caCertificate },
    })
    await client.connect()
    const hostile: Record<string, string> = {
      role: username,
      default_transaction_read_only: 'on',
      statement_timeout: '1',
      search_path: 'evil, pg_catalog',
      standard_conforming_strings: 'off',
      DateStyle: "'SQL, DMY'",
    }
    for (const [name, value] of Object.entries(hostile)) {
      await client.query(`ALTER DATABASE ${pg.escapeIdentifier(databaseName)} SET ${name} = ${value}`)
    }
    await client.end()
    const [session] = await sql(
      `SELECT current_user::text AS who, current_setting('default_transaction_read_only') AS read_only,
              current_setting('statement_timeout') AS timeout, current_setting('search_path') AS path,
              current_setting('standard_conforming_strings') AS strings, current_setting('DateStyle') AS style`,
      databaseName,
    )
    expect(session).toEqual({
      who: 'undrop_admin',
      read_only: 'off',
      timeout: '0',
      path: 'pg_catalog,pg_temp',
      strings: 'on',
      style: 'ISO, MDY',
    })
  })
})

describe('scramVerifier', () => {
  test('is what PostgreSQL itself stores for the same password and salt', async () => {
    await admin("CREATE ROLE scram_probe PASSWORD 'pencil'")
    const [{ rolpassword } = { rolpassword: '' }] = await sql(
      "SELECT rolpassword FROM pg_authid WHERE rolname = 'scram_probe'",
    )
    const salt = Buffer.from(rolpassword.split(/[$:]/)[2], 'base64')
    expect(scramVerifier('pencil', { salt })).toBe(rolpassword)
  })
})
