import { describe, expect, test } from 'vitest'
import { unwiredServer } from './unwired-server.ts'

describe('health', () => {
  test('/healthz answers without a key while the process lives, whatever fails behind it', async () => {
    const { app } = unwiredServer({ checks: { queue: () => Promise.reject(new Error('gone')) } })
    expect((await app.inject('/healthz')).statusCode).toBe(200)
  })

  test('/readyz answers 200 once every check passes', async () => {
    const { app } = unwiredServer({ checks: { metadata: async () => {}, queue: async () => {} } })
    expect((await app.inject('/readyz')).json()).toEqual({ status: 'ready' })
  })

  test('/readyz names the checks that fail and not why', async () => {
    const checks = { metadata: async () => {}, queue: () => Promise.reject(new Error('10.0.0.7 refused')) }
    const response = await unwiredServer({ checks }).app.inject('/readyz')
    expect(response.json()).toMatchObject({
      type: expect.stringMatching(/unavailable$/),
      status: 503,
      failed: ['queue'],
    })
    expect(response.body).not.toContain('10.0.0.7')
  })

  test('/readyz does not wait for a check that hangs', async () => {
    const { app } = unwiredServer({ checks: { queue: () => new Promise(() => {}) } })
    expect((await app.inject('/readyz')).json()).toMatchObject({ status: 503, failed: ['queue'] })
  })
})
