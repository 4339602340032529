import { parseArgs } from 'node:util'
import pg from 'pg'
import { withAdmin } from '../src/postgres/connect.ts'
import { scramVerifier } from '../src/postgres/scram.ts'
import { bareServer } from './support/bare-server.ts'
import {
  type Addon,
  type Bench,
  deleteAddon,
  printFigure,
  printTable,
  ratioOf,
  runBench,
  untilProtected,
  untilStatus,
} from './support/bench.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '7' } } })
const rounds = Number(values.rounds)
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds is a positive whole number')

await runBench(async (bench) => {
  const undrop: { total: number }[] = []
  const bare: { total: number }[] = []
  for (let round = 0; round < rounds; round++) {
    undrop.push({ total: await provisionWithUndrop(bench) })
    bare.push({ total: await provisionBare(bench) })
  }
  printTable(`provision, ${rounds} rounds`, undrop, bare)
  return printFigure('ratio undrop : bare', ratioOf(undrop, bare))
})

/** Seconds from the request until the add-on is available. */
async function provisionWithUndrop(bench: Bench): Promise<number> {
  const { api, tenantId } = bench
  const requestedAt = Date.now()
  const { id } = await api.call<Addon>('POST', '/v1/addons', { tenantId, name: 'shop' })
  await untilStatus<Addon>(bench, `/v1/addons/${id}`, 'available')
  const seconds = (Date.now() - requestedAt) / 1000
  await untilProtected(bench, id)
  await deleteAddon(bench, id)
  return seconds
}

/** Seconds of initdb with the same options, a start, and the statements for an owner and its database. */
async function provisionBare(bench: Bench): Promise<number> {
  const server = await bareServer(bench)
  const requestedAt = Date.now()
  await server.run([
    server.program('initdb'),
    `--pgdata=${server.dataDirectory}`,
    '--username=undrop_admin',
    '--auth-local=peer',
    '--auth-host=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C.UTF-8',
    '--data-checksums',
    '--no-instructions',
  ])
  await server.start()
  await server.untilAnswers('select true', true)
  const verifier = pg.escapeLiteral(scramVerifier('bench'))
  await withAdmin(server.admin, async (client) => {
    await client.query(`create role shop login password ${verifier}`)
    await client.query('create database shop owner shop template template0')
  })
  const seconds = (Date.now() - requestedAt) / 1000
  await server.remove()
  return seconds
}
