import { S3Client } from '@aws-sdk/client-s3'
import type { StorageKey } from '../domain/repository.ts'
import { s3Problem } from './s3-problem.ts'

/** One bucket of an object store, and where in it archives are. */
export interface S3Place {
  /** Null for that of AWS. */
  endpoint: string | null
  region: string
  bucket: string
  /** Names joined by slashes; '' for the whole bucket. */
  prefix: string
  /** The bucket is a part of the path of a URL, not of its host name. */
  pathStyle: boolean
  /** PEM of the authorities to trust; null for the system's. */
  certificateAuthorities: string | null
}

const CONNECT_SECONDS_MAX = 5
/** For a request with its answer: none of them carries more than a page of a listing. */
const REQUEST_SECONDS_MAX = 30
const ATTEMPTS_MAX = 4
/** For all attempts at a request, each with the whole of its answer. */
export const ANSWER_SECONDS_MAX = 2 * REQUEST_SECONDS_MAX

/** Checksums are sent only where S3 wants them: not every other store knows them. */
export function s3Client(place: S3Place, key: StorageKey): S3Client {
  return new S3Client({
    ...(place.endpoint === null ? {} : { endpoint: place.endpoint }),
    region: place.region,
    forcePathStyle: place.pathStyle,
    // A copy, as the SDK notes in it where it has it from.
    credentials: { ...key },
    maxAttempts: ATTEMPTS_MAX,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_SECONDS_MAX * 1000,
      requestTimeout: REQUEST_SECONDS_MAX * 1000,
      throwOnRequestTimeout: true,
      // The one above ends with the head of an answer; its body may stall as well.
      socketTimeout: REQUEST_SECONDS_MAX * 1000,
      httpsAgent: { keepAlive: true, ...unlessNull('ca', place.certificateAuthorities) },
    },
  })
}

/**
 * The answer to a request, which never takes longer than that.
 * @param doing what may be refused, such as `listing`
 * @throws Problem `archive-unreachable`
 */
export async function asked<Answer>(
  doing: string,
  request: (options: { abortSignal: AbortSignal }) => Promise<Answer>,
  seconds = ANSWER_SECONDS_MAX,
): Promise<Answer> {
  try {
    return await request({ abortSignal: AbortSignal.timeout(seconds * 1000) })
  } catch (cause) {
    throw s3Problem(cause, doing)
  }
}

function unlessNull<Name extends string>(name: Name, value: string | null): { [name in Name]?: string } {
  return value === null ? {} : ({ [name]: value } as { [name in Name]: string })
}
