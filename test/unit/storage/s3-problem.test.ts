import { S3ServiceException } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { isOutage, s3Problem } from '../../../src/storage/s3-problem.ts'

const answer = (name: string, httpStatusCode: number) =>
  new S3ServiceException({ name, message: 'of the store', $fault: 'client', $metadata: { httpStatusCode } })

const system = (code: string) => Object.assign(new Error(`${code} of the system`), { code })

test.each([
  ['connection refused', system('ECONNREFUSED')],
  ['connection reset', system('ECONNRESET')],
  ['no time left', Object.assign(new Error('timed out'), { name: 'TimeoutError' })],
  ['name service that does not answer', system('EAI_AGAIN')],
  ['internal error', answer('InternalError', 500)],
  ['gateway without a store', answer('503', 503)],
  ['too many requests', answer('SlowDown', 503)],
  ['too many requests, by status', answer('TooManyRequests', 429)],
])('%s may pass by itself', (_name, thrown) => {
  const problem = s3Problem(thrown, 'listing')
  expect(problem).toMatchObject({
    code: 'archive-unreachable',
    detail: 'The object store does not answer.',
  })
  expect(isOutage(problem)).toBe(true)
})

test.each([
  [answer('NoSuchBucket', 404), 'The bucket does not exist.'],
  [answer('AccessDenied', 403), 'The access key has no right for listing.'],
  [answer('InvalidAccessKeyId', 403), 'The object store does not know the access key.'],
  [answer('SignatureDoesNotMatch', 403), 'The object store refuses the secret of the access key.'],
  [
    answer('RequestTimeTooSkewed', 403),
    'The clock of this machine and that of the object store are too far apart.',
  ],
  [answer('AuthorizationHeaderMalformed', 400), 'The bucket is in another region.'],
  [answer('PermanentRedirect', 301), 'The bucket is in another region.'],
  [answer('QuotaExceeded', 403), 'The quota of the object store is used up.'],
  [answer('MalformedXML', 400), 'The object store refuses listing.'],
  [system('ENOTFOUND'), 'There is no host of the name of the object store.'],
  [
    system('DEPTH_ZERO_SELF_SIGNED_CERT'),
    'The certificate of the object store is not of a trusted authority.',
  ],
  [
    system('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    'The certificate of the object store is not of a trusted authority.',
  ],
  [system('CERT_HAS_EXPIRED'), 'The certificate of the object store has expired.'],
  [system('ERR_TLS_CERT_ALTNAME_INVALID'), 'The certificate of the object store is for another host name.'],
  [system('EPROTO'), 'The object store does not speak TLS as expected.'],
])('%o wants somebody to act, and the detail says what is wrong', (thrown, detail) => {
  const problem = s3Problem(thrown, 'listing')
  expect(problem).toMatchObject({ code: 'archive-unreachable', detail })
  expect(isOutage(problem)).toBe(false)
})

test('of what the SDK throws no more is kept than a log needs', () => {
  const thrown = Object.assign(answer('InvalidAccessKeyId', 403), { AWSAccessKeyId: 'THE-KEY' })
  const { cause } = s3Problem(thrown, 'listing')
  expect(cause).toMatchObject({ message: 'of the store', code: 'InvalidAccessKeyId', status: 403 })
  expect(JSON.stringify(Object.entries(cause as object))).not.toContain('THE-KEY')
})
