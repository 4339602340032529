import { open, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { ownerClient } from '../../../src/bin/demo/s3-server.ts'
import type { ServerFiles } from './server-files.ts'

/** The files of a server's archive whose paths begin with that, as sorted paths below the archive. */
export async function storedFiles(
  { undrop, tenantId, serverId }: ServerFiles,
  below: string,
): Promise<string[]> {
  const paths: string[] = []
  for await (const { path } of undrop.archives.files({ tenantId, serverId }, { below })) paths.push(path)
  return paths
}

/** Every file of archived WAL. */
export const archivedFiles = (server: ServerFiles): Promise<string[]> =>
  storedFiles(server, `archive/${server.serverId}/`)

/** Every complete segment in the archive, sorted. */
export async function archivedSegments(server: ServerFiles): Promise<string[]> {
  const names = (await archivedFiles(server)).map((path) => basename(path))
  return names.flatMap((name) => /^([0-9A-F]{24})-/.exec(name)?.[1] ?? [])
}

/** Takes a segment out of the archive, behind the back of whoever looks after it. What it returns brings it back. */
export async function removeSegment(server: ServerFiles, segment: string): Promise<() => Promise<unknown>> {
  const stored = storedFile(server, await segmentPath(server, segment))
  if ('file' in stored) {
    const aside = join(server.undrop.directory, basename(stored.file))
    await rename(stored.file, aside)
    return () => rename(aside, stored.file)
  }
  const { client, object } = stored
  const { Body } = await client.send(new GetObjectCommand(object))
  const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array()
  await client.send(new DeleteObjectCommand(object))
  return () => client.send(new PutObjectCommand({ ...object, Body: bytes }))
}

/** Overwrites the middle of an archived segment, for good. */
export async function damageSegment(server: ServerFiles, segment: string): Promise<() => Promise<unknown>> {
  await damageFile(server, await segmentPath(server, segment))
  return async () => {}
}

/** Overwrites the middle of a file of the archive. */
export async function damageFile(server: ServerFiles, path: string): Promise<void> {
  const stored = storedFile(server, path)
  if ('file' in stored) {
    await using handle = await open(stored.file, 'r+')
    const { size } = await handle.stat()
    await handle.write(Buffer.alloc(64, 'x'), 0, 64, Math.floor(size / 2))
    return
  }
  const { client, object } = stored
  const { Body } = await client.send(new GetObjectCommand(object))
  const bytes = Buffer.from((await Body?.transformToByteArray()) ?? [])
  bytes.fill('x', Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 64)
  await client.send(new PutObjectCommand({ ...object, Body: bytes }))
}

async function segmentPath(server: ServerFiles, segment: string): Promise<string> {
  const path = (await archivedFiles(server)).find((one) => basename(one).startsWith(`${segment}-`))
  if (path === undefined) throw new Error(`segment ${segment} is not archived`)
  return path
}

type Stored = { file: string } | { client: S3Client; object: { Bucket: string; Key: string } }

function storedFile(server: ServerFiles, path: string): Stored {
  const repository = server.undrop.archives.repositoryOf(server, 'write', null)
  if (repository.type === 'posix') return { file: join(repository.path, path) }
  const { host, port, key, bucket, certificateAuthorities } = repository
  return {
    client: ownerClient({ endpoint: `https://${host}:${port}`, key }, certificateAuthorities ?? ''),
    object: { Bucket: bucket, Key: `${repository.path.slice(1)}/${path}` },
  }
}
