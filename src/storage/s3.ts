import { ListObjectsV2Command, type ListObjectsV2CommandInput, type S3Client } from '@aws-sdk/client-s3'
import { type Moment, momentOfMicros } from '../domain/moment.ts'
import type { S3Repository, StorageKey, TenantStorageKeys } from '../domain/repository.ts'
import { assertPlainName } from '../lib/plain-name.ts'
import type { ArchiveName, ArchiveStore } from './archive-store.ts'
import { checkRights } from './s3-check.ts'
import { ANSWER_SECONDS_MAX, asked, type S3Place, s3Client } from './s3-client.ts'
import { emptyPrefix } from './s3-destroy.ts'
import { checkTenantKeys } from './s3-keys.ts'

/** How many tenants are looked at at once. */
const LISTINGS_MAX = 8

/**
 * Archives in a bucket, as objects `<prefix>/<tenantId>/<serverId>/…`.
 * @param answerSeconds how long listing a page, or deleting one, may take
 */
export function s3Archives(
  place: S3Place,
  key: StorageKey,
  answerSeconds = ANSWER_SECONDS_MAX,
): ArchiveStore {
  const client = s3Client(place, key)
  const root = place.prefix === '' ? '' : `${place.prefix}/`
  const keyOf = ({ tenantId, serverId }: ArchiveName) =>
    `${root}${assertPlainName(tenantId)}/${assertPlainName(serverId)}/`
  const namesBelow = async (prefix: string) => {
    const names: string[] = []
    const query = { Bucket: place.bucket, Prefix: prefix, Delimiter: '/' }
    for await (const page of pages(client, query, answerSeconds))
      for (const { Prefix = '' } of page.CommonPrefixes ?? []) names.push(Prefix.slice(prefix.length, -1))
    return names
  }

  return {
    kind: 's3',

    repositoryOf: (archive, access, keys) => ({
      ...repositoryAt(place),
      path: `/${keyOf(archive).slice(0, -1)}`,
      key: keyFor(access, keys) ?? key,
    }),

    // A prefix is there as soon as there is an object below it.
    ensure: async () => {},

    destroy: (tenantId, serverId) =>
      emptyPrefix(client, place.bucket, keyOf({ tenantId, serverId }), answerSeconds),

    async list() {
      const tenantIds = await namesBelow(root)
      const archives: ArchiveName[] = []
      while (tenantIds.length > 0) {
        const some = tenantIds.splice(0, LISTINGS_MAX)
        const listed = await Promise.all(some.map((tenantId) => namesBelow(`${root}${tenantId}/`)))
        for (const [index, serverIds] of listed.entries())
          archives.push(...serverIds.map((serverId) => ({ tenantId: some[index] ?? '', serverId })))
      }
      return archives
    },

    async *files(archive, { below = '', after = '' } = {}) {
      const prefix = keyOf(archive)
      const startAfter = after === '' ? {} : { StartAfter: prefix + after }
      const query = { Bucket: place.bucket, Prefix: prefix + below, ...startAfter }
      for await (const { Contents = [] } of pages(client, query, answerSeconds)) {
        for (const { Key = '', Size = 0, LastModified } of Contents)
          yield { path: Key.slice(prefix.length), sizeBytes: Size, modifiedAt: momentOf(LastModified) }
      }
    },

    check: () => checkRights(client, place.bucket, root),

    checkKeys: (tenantId, keys) =>
      checkTenantKeys(place, client, { root, tenant: `${root}${assertPlainName(tenantId)}/` }, keys),
  }
}

async function* pages(client: S3Client, query: ListObjectsV2CommandInput, answerSeconds: number) {
  let ContinuationToken: string | undefined
  do {
    const command = new ListObjectsV2Command({ ...query, ContinuationToken })
    const page = await asked('listing', (options) => client.send(command, options), answerSeconds)
    yield page
    ContinuationToken = page.NextContinuationToken
  } while (ContinuationToken !== undefined)
}

function keyFor(access: 'write' | 'read', keys: TenantStorageKeys | null): StorageKey | null {
  return access === 'read' ? (keys?.readOnly ?? keys?.readWrite ?? null) : (keys?.readWrite ?? null)
}

/** The same place as pgBackRest is told of it. */
function repositoryAt({
  endpoint,
  region,
  bucket,
  pathStyle,
  certificateAuthorities,
}: S3Place): Omit<S3Repository, 'path' | 'key'> {
  const { hostname, port } = new URL(endpoint ?? `https://s3.${region}.amazonaws.com`)
  return {
    type: 's3',
    bucket,
    region,
    host: hostname,
    port: port === '' ? 443 : Number(port),
    pathStyle,
    certificateAuthorities,
  }
}

const momentOf = (date = new Date(0)): Moment => momentOfMicros(BigInt(date.getTime()) * 1000n)
