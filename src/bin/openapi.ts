import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openapiText } from '../http/openapi-text.ts'

const FILE = join(import.meta.dirname, '../../openapi/openapi.json')

const text = await openapiText()
if (process.argv.includes('--check')) {
  const current = await readFile(FILE, 'utf8').catch(() => '')
  if (current !== text) {
    console.error('openapi/openapi.json is out of date: run npm run openapi')
    process.exitCode = 1
  }
} else {
  await writeFile(FILE, text)
}
