import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { withAdmin } from '../../../src/postgres/connect.ts'

/** AuthenticationOk and ReadyForQuery (PostgreSQL manual, 54.7). */
const WELCOME = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49])
const PORT = 5432

test('a server that lets us in and then says nothing is not waited for', async () => {
  const socketDirectory = await mkdtemp('/tmp/mute-')
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    socket.once('data', () => socket.write(WELCOME))
  })
  await new Promise<void>((resolve) => server.listen(join(socketDirectory, `.s.PGSQL.${PORT}`), resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await rm(socketDirectory, { recursive: true })
  })
  const query = withAdmin({ socketDirectory, port: PORT }, (client) => client.query('SELECT 1'), {
    queryTimeoutSeconds: 0.2,
  })
  await expect(query).rejects.toThrow('Query read timeout')
})
