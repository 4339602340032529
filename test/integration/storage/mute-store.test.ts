import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { newId } from '../../../src/domain/ids.ts'
import type { Problem } from '../../../src/domain/problem.ts'
import { s3Archives } from '../../../src/storage/s3.ts'
import { isOutage } from '../../../src/storage/s3-problem.ts'

const ANSWER_SECONDS = 0.3

/** A store whose answers begin and never end. */
async function stallingStore() {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/xml' })
    response.write('<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const place = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    bucket: 'archives',
    prefix: '',
    pathStyle: true,
    certificateAuthorities: null,
  }
  return s3Archives(place, { accessKeyId: 'key', secretAccessKey: 'secret' }, ANSWER_SECONDS)
}

const archive = { tenantId: newId('tenant'), serverId: newId('server') }

test.each([
  ['listing the files of an archive', (store) => store.files(archive)[Symbol.asyncIterator]().next()],
  ['listing archives', (store) => store.list()],
  ['destroying an archive', (store) => store.destroy(archive.tenantId, archive.serverId)],
] satisfies [string, (store: Awaited<ReturnType<typeof stallingStore>>) => Promise<unknown>][])(
  '%s ends when the store stalls in the middle of its answer',
  async (_doing, use) => {
    const problem: Problem = await use(await stallingStore()).then(
      () => expect.unreachable(),
      (error: Problem) => error,
    )
    expect(problem).toMatchObject({
      code: 'archive-unreachable',
      detail: 'The object store does not answer.',
    })
    expect(isOutage(problem)).toBe(true)
  },
)
