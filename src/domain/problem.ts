/**
 * Every error a client can see, as the answer to a request or as the `failure` of long work. The key is the last path
 * segment of the problem's `type` and the name of its page in docs/problems/.
 */
const catalogue = {
  'validation-failed': { status: 400, title: 'The request is not valid' },
  'malformed-body': { status: 400, title: 'The request body cannot be read' },
  'malformed-request': { status: 400, title: 'The request is not HTTP' },
  'unauthenticated': { status: 401, title: 'The API key is missing or not valid' },
  'forbidden': { status: 403, title: 'The API key does not allow this' },
  'route-not-found': { status: 404, title: 'There is no such resource' },
  'tenant-not-found': { status: 404, title: 'Tenant not found' },
  'api-key-not-found': { status: 404, title: 'API key not found' },
  'addon-not-found': { status: 404, title: 'Add-on not found' },
  'backup-not-found': { status: 404, title: 'Backup not found' },
  'restore-not-found': { status: 404, title: 'Restore not found' },
  'restore-point-not-found': { status: 404, title: 'Restore point not found' },
  'drill-not-found': { status: 404, title: 'Drill not found' },
  'credential-not-found': { status: 404, title: 'Credential not found' },
  'webhook-endpoint-not-found': { status: 404, title: 'Webhook endpoint not found' },
  'webhook-delivery-not-found': { status: 404, title: 'Webhook delivery not found' },
  'operation-not-found': { status: 404, title: 'Operation not found' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'addon-name-taken': { status: 409, title: 'The name is taken by another add-on of the tenant' },
  'addon-not-available': { status: 409, title: 'The add-on is not in a state that allows this' },
  'not-protected-yet': { status: 409, title: 'The add-on has no complete backup yet' },
  'idempotency-key-in-use': { status: 409, title: 'The request of this Idempotency-Key is still running' },
  'idempotent-answer-lost': {
    status: 409,
    title: 'The request has been carried out, but its answer is lost',
  },
  'operation-in-progress': { status: 409, title: 'Another operation is running on this server' },
  'restore-in-progress': { status: 409, title: 'A restore is reading this add-on' },
  'restore-point-name-taken': { status: 409, title: 'The add-on has a restore point of that name' },
  'credential-name-taken': { status: 409, title: 'The add-on has a credential of that name' },
  'credential-not-ready': { status: 409, title: 'The credential is not in a state that allows this' },
  'owner-credential': { status: 409, title: 'The credential of the owner goes with the add-on' },
  'drill-in-progress': { status: 409, title: 'A drill of this add-on is running' },
  'api-key-ended': { status: 409, title: 'The API key has expired or been revoked' },
  'api-key-replaced': { status: 409, title: 'The API key has been replaced by another' },
  'archive-purged': { status: 409, title: 'The archive of the add-on has been purged' },
  'storage-not-s3': { status: 409, title: 'Archives are not kept on an object store' },
  'restore-finished': { status: 409, title: 'The restore has already finished' },
  'deletion-protected': { status: 409, title: 'The add-on is protected against deletion' },
  'quota-exceeded': { status: 409, title: 'A quota of the tenant is used up' },
  'tenant-not-empty': { status: 409, title: 'The tenant still has add-ons' },
  'events-pruned': { status: 410, title: 'Events after this one are kept no longer' },
  'precondition-failed': { status: 412, title: 'The resource is not what If-Match says' },
  'webhook-endpoint-limit': { status: 409, title: 'There are as many webhook endpoints as there may be' },
  'request-timeout': { status: 408, title: 'The request did not arrive in time' },
  'body-too-large': { status: 413, title: 'The request body is too large' },
  'uri-too-long': { status: 414, title: 'The address of the request is too long' },
  'unsupported-media-type': { status: 415, title: 'The media type is not supported' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key belongs to another request' },
  'target-before-window': { status: 422, title: 'The target lies before the recovery window' },
  'target-in-future': { status: 422, title: 'The target lies in the future' },
  'target-in-gap': { status: 422, title: 'The target lies in a gap of the archive' },
  'target-not-found': { status: 422, title: 'The archive does not hold the target' },
  'webhook-url-refused': { status: 422, title: 'The URL of the webhook endpoint is refused' },
  'storage-keys-refused': { status: 422, title: 'The object store refuses the keys' },
  'postgres-version-unavailable': { status: 422, title: 'This PostgreSQL version is not available' },
  'too-many-streams': { status: 429, title: 'Too many streams are open' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'too-many-in-flight': { status: 429, title: 'Too many requests at a time' },
  'restore-rate-exceeded': { status: 429, title: 'The restores of the hour are used up' },
  'headers-too-large': { status: 431, title: 'The headers of the request are too large' },
  'target-not-archived': { status: 500, title: 'The WAL up to the target did not reach the archive in time' },
  'wal-missing': { status: 500, title: 'A WAL segment before the target is missing from the archive' },
  'backup-unreadable': { status: 500, title: 'The base backup could not be fetched' },
  'backup-failed': { status: 500, title: 'The base backup could not be taken' },
  'source-unreachable': { status: 500, title: 'The server of the source does not answer' },
  'secret-unreadable': { status: 500, title: 'A sealed secret cannot be opened' },
  'restore-point-failed': { status: 500, title: 'The restore point could not be made' },
  'archive-unreadable': { status: 500, title: 'The archive cannot be decrypted' },
  'backup-damaged': { status: 500, title: 'The base backup is damaged' },
  'drill-failed': { status: 500, title: 'The restored server did not pass the checks of the drill' },
  'archive-unreachable': { status: 503, title: 'The archive cannot be reached' },
  'extension-unavailable': {
    status: 500,
    title: 'A library that the database needs is missing on this host',
  },
  'tablespace-unsupported': {
    status: 500,
    title: 'The backup contains tablespaces, which cannot be restored',
  },
  'recovery-failed': { status: 500, title: 'Recovery stopped with an error' },
  'restored-empty': { status: 500, title: 'The restored server does not hold the database of the add-on' },
  'provisioning-failed': { status: 500, title: 'The server could not be provisioned' },
  'deadline-exceeded': { status: 500, title: 'The work did not finish within its time limit' },
  'cancelled': { status: 500, title: 'The work was cancelled' },
  'internal-error': { status: 500, title: 'Internal error' },
  'no-port-available': { status: 503, title: 'No port is free for another server' },
  'insufficient-disk-space': { status: 507, title: 'The disk has too little space left' },
  'unavailable': { status: 503, title: 'The service is not ready' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemCode = keyof typeof catalogue

export const problemCodes = Object.keys(catalogue) as readonly ProblemCode[]

export function titleOf(code: ProblemCode): string {
  return catalogue[code].title
}

interface ProblemOptions {
  /** Shown to the client; names no host, path, SQL or other tenant. */
  detail?: string
  /** RFC 9457 extension members, shown to the client. */
  extensions?: Record<string, unknown>
  /** When it may be worth trying again: the Retry-After header. */
  retryAfterSeconds?: number
  /** For the log only. */
  cause?: unknown
}

/** An expected failure with a stable, documented `type`. Anything else that is thrown is a bug and becomes a 500. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly status: number
  readonly title: string
  readonly detail: string | undefined
  readonly extensions: Record<string, unknown>
  readonly retryAfterSeconds: number | undefined

  constructor(code: ProblemCode, { detail, extensions = {}, retryAfterSeconds, cause }: ProblemOptions = {}) {
    super(detail ?? catalogue[code].title, { cause })
    this.code = code
    this.status = catalogue[code].status
    this.title = catalogue[code].title
    this.detail = detail
    this.extensions = extensions
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Why long work failed, in the shape that resources carry as `failure`. */
export interface Failure {
  code: ProblemCode
  title: string
  detail?: string
}

export function failureOf(problem: Problem): Failure {
  return {
    code: problem.code,
    title: problem.title,
    ...(problem.detail === undefined ? {} : { detail: problem.detail }),
  }
}
