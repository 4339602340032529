import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { StorageKey } from '../../domain/repository.ts'
import { type Argv, findOsUser, type OsUser, runAs, spawnAs } from '../../lib/os-user.ts'
import { waitUntil } from '../../lib/wait-until.ts'
import { cephConf } from './ceph-conf.ts'
import { freePort } from './free-port.ts'

/** How to reach a throw-away object store; plain data, so that it can be handed to other processes. */
export interface S3Access {
  endpoint: string
  caFile: string
  /** Of a user that may make buckets. */
  key: StorageKey
  /** Where the configuration is that administrative programs read. */
  cephConf: string
}

export interface S3Server extends S3Access {
  /** Ends the gateway as a crash would; nothing answers at the endpoint then. What is stored stays. */
  kill(): Promise<void>
  /** Starts the gateway again, over what is stored. */
  restart(): Promise<void>
  /** Ends and removes everything. */
  stop(): Promise<void>
}

const START_SECONDS_MAX = 60
const STOP_SECONDS_MAX = 2

/** Makes the bucket and returns the variables by which Undrop keeps its archives there. */
export async function s3Variables(access: S3Access, bucket: string): Promise<Record<string, string>> {
  await ownerClient(access, await readFile(access.caFile, 'utf8')).send(
    new CreateBucketCommand({ Bucket: bucket }),
  )
  return {
    S3_ENDPOINT: access.endpoint,
    S3_BUCKET: bucket,
    S3_ACCESS_KEY_ID: access.key.accessKeyId,
    S3_SECRET_ACCESS_KEY: access.key.secretAccessKey,
    S3_FORCE_PATH_STYLE: 'true',
    S3_CA_FILE: access.caFile,
  }
}

/** A client of the user that may make buckets. */
export function ownerClient({ endpoint, key }: Pick<S3Access, 'endpoint' | 'key'>, ca: string): S3Client {
  return new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: key,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Waiting for leave to send, the SDK takes an agent that knows nothing of the certificate's authority.
    expectContinueHeader: false,
    requestHandler: { httpsAgent: { ca, keepAlive: false } },
  })
}

/**
 * A user without a bucket, who may do what policies of buckets say. The name is for their `Principal`:
 * `arn:aws:iam:::user/<name>`.
 * @param mayCreateBuckets whether the user may have buckets of its own
 */
export async function addS3User(
  access: Pick<S3Access, 'cephConf'>,
  name: string,
  { mayCreateBuckets = false } = {},
): Promise<StorageKey> {
  const argv = ['radosgw-admin', 'user', 'create', `--uid=${name}`, `--display-name=${name}`] as const
  const limit = mayCreateBuckets ? [] : ['--max-buckets=-1']
  const user = JSON.parse(await run(await findOsUser('postgres'), access.cephConf, [...argv, ...limit])) as {
    keys: { access_key: string; secret_key: string }[]
  }
  const [key] = user.keys
  if (key === undefined) throw new Error('BUG: a new user has a key')
  return { accessKeyId: key.access_key, secretAccessKey: key.secret_key }
}

/**
 * Starts a throw-away object store: Ceph's RADOS gateway over TLS, with a monitor and one storage daemon that keeps
 * everything in memory. As the OS user `postgres` where we are root.
 */
export async function startS3Server(): Promise<S3Server> {
  const osUser = await findOsUser('postgres')
  // Short, because of the limit of 107 bytes for the path of a Unix socket.
  const directory = await mkdtemp(join(tmpdir(), 'us3-'))
  await chmod(directory, 0o755)
  await chown(directory, osUser.uid, osUser.gid)
  const daemons = new Daemons(osUser, directory)
  try {
    const port = await freePort()
    await prepare(osUser, directory, port)
    await daemons.start('monitor', ['ceph-mon', '-f', '-i', 'a'])
    await startStorage(osUser, directory, daemons)
    const startGateway = () => daemons.start('gateway', ['radosgw', '-f', '-n', 'client.rgw.a'])
    await startGateway()
    const [endpoint, caFile] = [`https://localhost:${port}`, join(directory, 'cert.pem')]
    const ca = await readFile(caFile, 'utf8')
    const untilItAnswers = () => daemons.untilReady('gateway', () => answers(endpoint, ca))
    const access = { endpoint, caFile, cephConf: join(directory, 'ceph.conf') }
    const key = await addS3User(access, 'owner', { mayCreateBuckets: true })
    await untilItAnswers()
    return {
      ...access,
      key,
      kill: () => daemons.end('gateway', 'SIGKILL'),
      async restart() {
        await startGateway()
        await untilItAnswers()
      },
      stop: () => daemons.stop(),
    }
  } catch (error) {
    await daemons.stop()
    throw error
  }
}

async function prepare(osUser: OsUser, directory: string, port: number): Promise<void> {
  const at = (name: string) => join(directory, name)
  const monitorPort = await freePort()
  for (const name of ['mon', 'osd', 'rgw', 'run', 'log']) {
    await mkdir(at(name))
    await chown(at(name), osUser.uid, osUser.gid)
  }
  const names = 'subjectAltName=DNS:localhost'
  const files = ['-keyout', at('key.pem'), '-out', at('cert.pem')]
  const certificate = ['-subj', '/CN=localhost', '-addext', names, '-days', '30']
  const fsid = randomUUID()
  const conf = at('ceph.conf')
  await writeFile(conf, cephConf({ directory, fsid, monitorPort, port }))
  await run(osUser, conf, [
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    ...files,
    ...certificate,
  ])
  await run(osUser, conf, ['chmod', '644', at('cert.pem')])
  const address = `[v2:127.0.0.1:${monitorPort}]`
  await run(osUser, conf, ['monmaptool', '--create', '--fsid', fsid, '--addv', 'a', address, at('monmap')])
  await run(osUser, conf, ['ceph-mon', '-i', 'a', '--mkfs', '--monmap', at('monmap')])
}

async function startStorage(osUser: OsUser, directory: string, daemons: Daemons): Promise<void> {
  const id = randomUUID()
  const conf = join(directory, 'ceph.conf')
  await run(osUser, conf, ['ceph', 'osd', 'new', id])
  await run(osUser, conf, ['ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', id])
  await daemons.start('storage', ['ceph-osd', '-f', '-i', '0'])
}

async function run(osUser: OsUser, conf: string, argv: Argv): Promise<string> {
  const { exitCode, stdout, stderr } = await runAs(osUser, argv, { env: { CEPH_CONF: conf } })
  if (exitCode !== 0) throw new Error(`${argv.slice(0, 3).join(' ')} failed: ${stderr.slice(-2000)}`)
  return stdout
}

/** Any answer will do: to who is nobody, a gateway answers with the list of no buckets. */
function answers(endpoint: string, ca: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(endpoint, { ca, agent: false, timeout: 5000 }, (response) => {
      response.resume()
      resolve(true)
    })
    asked.once('error', () => resolve(false)).once('timeout', () => asked.destroy())
    asked.end()
  })
}

type DaemonName = 'monitor' | 'storage' | 'gateway'

/** The processes; they end with ours, whatever ends it but SIGKILL. */
class Daemons {
  readonly #osUser: OsUser
  readonly #directory: string
  readonly #running = new Map<DaemonName, ChildProcess>()
  readonly #abandon = () => {
    for (const child of this.#running.values()) child.kill('SIGKILL')
    rmSync(this.#directory, { recursive: true, force: true })
  }

  constructor(osUser: OsUser, directory: string) {
    this.#osUser = osUser
    this.#directory = directory
    process.once('exit', this.#abandon)
  }

  async start(name: DaemonName, argv: Argv): Promise<void> {
    const output = await open(join(this.#directory, 'log', `${name}.out`), 'a')
    const env = { CEPH_CONF: join(this.#directory, 'ceph.conf') }
    const child = await spawnAs(this.#osUser, argv, { env, stdio: ['ignore', output.fd, output.fd] })
    await output.close()
    this.#running.set(name, child)
  }

  /** @throws with its output when it ends before it is ready. */
  async untilReady(name: DaemonName, isReady: () => Promise<boolean>): Promise<void> {
    const child = this.#running.get(name)
    const settled = async () => child === undefined || hasEnded(child) || (await isReady())
    await waitUntil(settled, { timeoutSeconds: START_SECONDS_MAX, everyMilliseconds: 50 })
    if (child !== undefined && !hasEnded(child) && (await isReady())) return
    const output = await readFile(join(this.#directory, 'log', `${name}.out`), 'utf8')
    throw new Error(`the ${name} of the object store did not start:\n${output.slice(-4000)}`)
  }

  async end(name: DaemonName, signal: NodeJS.Signals): Promise<void> {
    const child = this.#running.get(name)
    if (child === undefined || hasEnded(child)) return
    const ended = once(child, 'exit')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_SECONDS_MAX * 1000)
    await ended
    clearTimeout(timer)
  }

  /** In this order: a storage daemon whose monitor is gone does not end. */
  async stop(): Promise<void> {
    for (const name of ['gateway', 'storage', 'monitor'] as const) await this.end(name, 'SIGTERM')
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 })
    process.off('exit', this.#abandon)
  }
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null
