import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test, vi } from 'vitest'
import { httpSender } from '../../../src/notify/webhooks/http-sender.ts'
import { webhookTargets } from '../../../src/notify/webhooks/targets.ts'
import { receiver } from './receiver.ts'

const HOST = 'hooks.undrop.test'
const message = (url: string) => ({ url, headers: { 'content-type': 'application/json' }, body: '{}' })

/** Each lookup takes the next of the lists of addresses. */
function senderTo(
  {
    lists = [['127.0.0.1']],
    allowedNetworks = ['127.0.0.0/8'],
    ca,
  }: {
    lists?: string[][]
    allowedNetworks?: string[]
    ca?: string
  } = {},
  timeoutSeconds = 5,
) {
  let lookups = 0
  const resolveHost = async () => lists[Math.min(lookups++, lists.length - 1)] ?? []
  const targets = webhookTargets({ allowedNetworks, allowHttp: true, resolveHost })
  return { targets, sender: httpSender({ targets, timeoutSeconds, ca }), lookups: () => lookups }
}

/** An HTTPS receiver with a certificate of its own for `HOST`. */
async function secureReceiver() {
  const directory = await mkdtemp(join(tmpdir(), 'undrop-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  const request = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
  ]
  const name = ['-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST}`]
  await promisify(execFile)('openssl', [...request, ...name, '-keyout', key, '-out', cert])
  const ca = await readFile(cert, 'utf8')
  const server = createServer(
    { key: await readFile(key), cert: ca },
    (_, response) => void response.end('well'),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { ca, port: (server.address() as AddressInfo).port }
}

test('the connection goes to the address that was checked, and the certificate is held to the host name', async () => {
  const { ca, port } = await secureReceiver()
  const { sender, lookups } = senderTo({ ca })
  expect(await sender.send(message(`https://${HOST}:${port}/`))).toMatchObject({
    statusCode: 200,
    body: 'well',
  })
  expect(lookups()).toBe(1)
  const refused = { statusCode: null, error: 'certificate-refused' }
  expect(await sender.send(message(`https://other.undrop.test:${port}/`))).toMatchObject(refused)
  expect(await senderTo().sender.send(message(`https://${HOST}:${port}/`))).toMatchObject(refused)
})

test('a name that is public when the endpoint is made, and private when it is sent to, reaches nothing', async () => {
  const { url, arrivals } = await receiver()
  const port = new URL(url).port
  const { targets, sender } = senderTo({ lists: [['93.184.215.14'], ['127.0.0.1']], allowedNetworks: [] })
  expect(await targets.refusalOf(`http://${HOST}:${port}/`)).toBeNull()
  expect(await sender.send(message(`http://${HOST}:${port}/`))).toMatchObject({ error: 'target-refused' })
  expect(arrivals).toEqual([])
})

test('redirects are answers like any other, and lead nowhere', async () => {
  const other = await receiver()
  const { url } = await receiver(() => ({ status: 307, headers: { location: other.url } }))
  expect(await senderTo().sender.send(message(url))).toMatchObject({ statusCode: 307 })
  expect(other.arrivals).toEqual([])
})

test('the proxies of the environment are not asked', async () => {
  const [proxy, direct] = [await receiver(), await receiver()]
  for (const name of ['http_proxy', 'HTTP_PROXY', 'ALL_PROXY']) vi.stubEnv(name, new URL(proxy.url).origin)
  vi.stubEnv('NODE_USE_ENV_PROXY', '1')
  onTestFinished(() => void vi.unstubAllEnvs())
  expect(await senderTo().sender.send(message(direct.url))).toMatchObject({ statusCode: 200 })
  expect(proxy.arrivals).toEqual([])
})

test('of an answer no more is read than its beginning', async () => {
  const { url } = await receiver(() => ({ status: 200, text: 'a'.repeat(10_000_000) }))
  expect((await senderTo().sender.send(message(url))).body).toBe('a'.repeat(4096))
})

test('a receiver that does not answer, one that hangs up and one that is not there have a name each', async () => {
  const [mute, rude] = [await receiver(() => 'hang'), await receiver(() => 'hang-up')]
  const { sender } = senderTo({}, 0.2)
  expect(await sender.send(message(mute.url))).toMatchObject({ error: 'timed-out' })
  expect(await sender.send(message(rude.url))).toMatchObject({ error: 'connection-failed' })
  expect(await sender.send(message('http://127.0.0.1:1025/'))).toMatchObject({ error: 'connection-failed' })
})

test('a name server that does not answer takes no longer than the time limit', async () => {
  const targets = webhookTargets({
    allowedNetworks: [],
    allowHttp: true,
    resolveHost: () => new Promise(() => {}),
  })
  const sender = httpSender({ targets, timeoutSeconds: 0.1 })
  expect(await sender.send(message(`http://${HOST}/`))).toMatchObject({ error: 'timed-out' })
})

test('a receiver that drips its answer, head or body, takes no longer than the time limit', async () => {
  const dripping = async (head: string) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {}).write(head)
      const timer = setInterval(() => socket.write('x'), 20)
      socket.once('close', () => clearInterval(timer))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  }
  const { sender } = senderTo({}, 0.4)
  const [head, body] = await Promise.all(
    ['HTTP/1.1 200 OK\r\nx: ', 'HTTP/1.1 200 OK\r\n\r\n'].map(async (begun) =>
      sender.send(message(await dripping(begun))),
    ),
  )
  expect(head).toMatchObject({ statusCode: null, error: 'timed-out' })
  // It has said that it took the message.
  expect(body).toMatchObject({ statusCode: 200, error: null })
})
