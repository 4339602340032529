import { readFile } from 'node:fs/promises'
import type { Config } from '../config/config.ts'
import { Problem } from '../domain/problem.ts'
import type { OsUser } from '../lib/os-user.ts'
import type { ArchiveStore } from '../storage/archive-store.ts'
import { localRepository } from '../storage/local-repository.ts'
import { s3Archives } from '../storage/s3.ts'
import { isOutage } from '../storage/s3-problem.ts'
import type { Logger } from '../telemetry/logger.ts'

/**
 * Where the configuration says that archives are kept.
 * @throws Error when the file of authorities cannot be read, or holds no certificate
 */
export async function openArchives(config: Config, osUser: OsUser): Promise<ArchiveStore> {
  const { S3_BUCKET: bucket, S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = config
  if (bucket === undefined || accessKeyId === undefined || secretAccessKey === undefined)
    return localRepository({ dataDirectory: config.UNDROP_DATA_DIR, osUser })
  const place = {
    endpoint: config.S3_ENDPOINT ?? null,
    region: config.S3_REGION,
    bucket,
    prefix: config.S3_PREFIX ?? '',
    pathStyle: config.S3_FORCE_PATH_STYLE,
    certificateAuthorities: config.S3_CA_FILE === undefined ? null : await readAuthorities(config.S3_CA_FILE),
  }
  return s3Archives(place, { accessKeyId, secretAccessKey })
}

async function readAuthorities(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`S3_CA_FILE: ${file} cannot be read`, { cause })
  })
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new Error(`S3_CA_FILE: ${file} holds no certificate in PEM`)
  return text
}

/**
 * To be called at a start. A store that does not answer just now is no reason not to serve: servers keep their WAL until
 * it does.
 * @throws Error that says what in the configuration is wrong, when the store is there and does not let us work
 */
export async function assertArchivesUsable(archives: ArchiveStore, logger: Logger): Promise<void> {
  try {
    await archives.check()
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    if (!isOutage(error)) throw new Error(`Archives cannot be kept: ${error.message}`, { cause: error.cause })
    logger.warn({ err: error }, 'the archive store does not answer')
  }
}
