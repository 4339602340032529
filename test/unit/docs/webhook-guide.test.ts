import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { newWebhookSecret, signatureHeaders } from '../../../src/domain/webhook-signature.ts'

const guide = await readFile(`${import.meta.dirname}/../../../docs/guides/webhooks.md`, 'utf8')

/** The code of the guide in that language. */
function sample(language: string): string {
  const code = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(guide)?.[1]
  if (code === undefined) throw new Error(`the guide has no ${language}`)
  return code
}

type Verify = (secret: string, headers: Record<string, string>, body: string) => Promise<boolean>

const inNode: Verify = async (secret, headers, body) => {
  const module = `data:text/javascript,${encodeURIComponent(sample('js'))}`
  const { verify } = (await import(/* @vite-ignore */ module)) as { verify: (...args: unknown[]) => boolean }
  return verify(secret, headers, body)
}

const run = promisify(execFile)

const inPython: Verify = async (secret, headers, body) => {
  const call = 'import json, sys\nprint(json.dumps(verify(*json.loads(sys.argv[1]))))'
  const { stdout } = await run('python3', [
    '-c',
    `${sample('python')}\n${call}`,
    JSON.stringify([secret, headers, body]),
  ])
  return JSON.parse(stdout) as boolean
}

// Ruby's is not run: scripts/setup.sh does not install it.
test.each([
  ['Node.js', inNode],
  ['Python', inPython],
])('what the guide says for %s accepts what was signed, and nothing else', async (_, verify) => {
  const [secret, other] = [newWebhookSecret(), newWebhookSecret()]
  const message = { id: 'evt_1', timestamp: Math.floor(Date.now() / 1000), body: '{"name":"Grüße"}' }
  const headers = signatureHeaders([other, secret], message)
  expect(await verify(secret, headers, message.body)).toBe(true)
  expect(await verify(newWebhookSecret(), headers, message.body)).toBe(false)
  expect(await verify(secret, headers, '{"name":"Grusse"}')).toBe(false)
  const old = signatureHeaders([secret], { ...message, timestamp: message.timestamp - 400 })
  expect(await verify(secret, old, message.body)).toBe(false)
})
