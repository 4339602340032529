import { S3ServiceException } from '@aws-sdk/client-s3'
import { Problem } from '../domain/problem.ts'

/**
 * What is wrong with an object store, as `archive-unreachable`. The detail names no key, no host and no bucket, as
 * clients see it; the cause has them, for the log.
 * @param doing what was refused, such as `listing`
 */
export function s3Problem(cause: unknown, doing: string): Problem {
  return new Problem('archive-unreachable', {
    detail: detailOf(cause, doing),
    cause: new StoreFailure(cause),
  })
}

/** What the SDK throws holds the whole request and its answer; this is as much of it as a log needs. */
class StoreFailure extends Error {
  readonly code: string
  readonly status: number | undefined
  readonly isOutage: boolean

  constructor(thrown: unknown) {
    super(thrown instanceof Error ? thrown.message : String(thrown))
    const { name, code } = namesOf(thrown)
    this.code = code === '' ? name : code
    this.status = thrown instanceof S3ServiceException ? thrown.$metadata.httpStatusCode : undefined
    this.isOutage = meansOutage(thrown)
  }
}

/**
 * Whether waiting may help: the store does not answer, or has an error of its own. Anything else wants somebody to act.
 * @param problem that a call to an archive store threw
 */
export function isOutage({ cause }: Problem): boolean {
  return cause instanceof StoreFailure && cause.isOutage
}

function meansOutage(cause: unknown): boolean {
  if (cause instanceof S3ServiceException) {
    const status = cause.$metadata.httpStatusCode ?? 0
    return status >= 500 || status === 429 || BUSY.has(cause.name)
  }
  const { name, code } = namesOf(cause)
  return OUTAGE_NAMES.has(name) || OUTAGE_CODES.has(code)
}

/** Errors of S3 (API reference, "Error responses") whose status is not enough to tell. */
const BUSY = new Set(['SlowDown', 'RequestTimeout', 'ServiceUnavailable', 'InternalError'])
const OUTAGE_NAMES = new Set(['TimeoutError', 'AbortError'])
const OUTAGE_CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['EAI_AGAIN', 'EHOSTDOWN', 'ENETDOWN'],
])

const REFUSALS: Record<string, string> = {
  NoSuchBucket: 'The bucket does not exist.',
  InvalidAccessKeyId: 'The object store does not know the access key.',
  SignatureDoesNotMatch: 'The object store refuses the secret of the access key.',
  ExpiredToken: 'The access key has expired.',
  RequestTimeTooSkewed: 'The clock of this machine and that of the object store are too far apart.',
  PermanentRedirect: 'The bucket is in another region.',
  AuthorizationHeaderMalformed: 'The bucket is in another region.',
  QuotaExceeded: 'The quota of the object store is used up.',
}

const FAULTS: Record<string, string> = {
  ENOTFOUND: 'There is no host of the name of the object store.',
  CERT_HAS_EXPIRED: 'The certificate of the object store has expired.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate of the object store is for another host name.',
}

/** Of OpenSSL (verify(1)), as Node names them. */
const UNTRUSTED = /SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE|INVALID_CA/

function detailOf(cause: unknown, doing: string): string {
  if (meansOutage(cause)) return 'The object store does not answer.'
  const { name, code } = namesOf(cause)
  const known = REFUSALS[name] ?? FAULTS[code]
  if (known !== undefined) return known
  if (UNTRUSTED.test(code)) return 'The certificate of the object store is not of a trusted authority.'
  if (code === 'EPROTO' || code.startsWith('ERR_SSL'))
    return 'The object store does not speak TLS as expected.'
  if (isDenied(cause)) return `The access key has no right for ${doing}.`
  return `The object store refuses ${doing}.`
}

/** Whether a key is known and lacks the right. */
export function isDenied(cause: unknown): boolean {
  if (!(cause instanceof S3ServiceException) || REFUSALS[cause.name] !== undefined) return false
  return cause.$metadata.httpStatusCode === 403
}

export function isMissing(cause: unknown): boolean {
  return cause instanceof S3ServiceException && ['NoSuchKey', 'NotFound', 'NoSuchUpload'].includes(cause.name)
}

function namesOf(cause: unknown): { name: string; code: string } {
  if (!(cause instanceof Error)) return { name: '', code: '' }
  const { name, code = '' }: NodeJS.ErrnoException = cause
  return { name, code }
}
