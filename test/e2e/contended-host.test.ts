import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import * as api from './client/sdk.gen.ts'
import { aProtectedAddon, aTenant, clockOf, ok, query, restoredChild, until } from './support/stories.ts'
import { startUndrop } from './support/undrop.ts'

/** An Undrop of the test's own, with other variables. */
async function undropWith(variables: NodeJS.ProcessEnv) {
  const undrop = await startUndrop(variables)
  onTestFinished(() => undrop.remove())
  return undrop
}

test('servers on an address of their own are restored as well', async () => {
  const undrop = await undropWith({ UNDROP_LISTEN_ADDRESSES: '127.0.0.2', UNDROP_ENDPOINT_HOST: '127.0.0.2' })
  const { id, login } = await aProtectedAddon(undrop, await aTenant(undrop))
  await query(login.url, 'create table kept as select 1 as n')
  const { login: child } = await restoredChild(undrop, id, { time: await clockOf(login.url) })
  expect(child.host).toBe('127.0.0.2')
  expect(await query(child.url, 'select n from kept')).toEqual([{ n: 1 }])
})

test('an add-on for which no port is free fails with a code, and leaves nothing to wait for', async () => {
  const squatter = createServer().listen(0, '127.0.0.1')
  await once(squatter, 'listening')
  onTestFinished(() => void squatter.close())
  const address = squatter.address()
  const port = typeof address === 'object' ? address?.port : null
  const undrop = await undropWith({ UNDROP_PORT_RANGE: `${port}-${port}` })
  const { client } = undrop
  const { id } = await ok(
    api.createAddon({ client, body: { tenantId: await aTenant(undrop), name: 'shop' } }),
  )
  const addon = () => ok(api.getAddon({ client, path: { addonId: id } }))
  await until(async () => (await addon()).status === 'failed', 'the add-on to fail')
  expect(await addon()).toMatchObject({ failure: { code: 'no-port-available' } })
})

test('connections that never log in hold up a backup and a restore, and fail neither', async () => {
  const undrop = await undropWith({})
  const { client } = undrop
  const { id, login } = await aProtectedAddon(undrop, await aTenant(undrop))
  const silent = await Promise.all(Array.from({ length: 130 }, () => silentSession(login)))
  onTestFinished(() => {
    for (const socket of silent) socket.destroy()
  })

  const backup = await ok(api.createBackup({ client, path: { addonId: id }, body: {} }))
  const { restore } = await restoredChild(undrop, id, { latest: true })
  expect(restore.reached).toMatchObject({ exact: true })
  const status = async () => (await ok(api.getBackup({ client, path: { backupId: backup.id } }))).status
  await until(async () => !['queued', 'running'].includes(await status()), 'the backup to end')
  expect(await status()).toBe('succeeded')
})

/** A client that names a user and then says nothing more (PostgreSQL manual, 55.2.1). */
async function silentSession({ host, port }: { host: string; port: number }): Promise<Socket> {
  const socket = connect(port, host)
  socket.on('error', () => {})
  await once(socket, 'connect')
  const body = Buffer.from('\0\x03\0\0user\0nobody\0database\0none\0\0', 'latin1')
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  socket.write(Buffer.concat([length, body]))
  return socket
}
