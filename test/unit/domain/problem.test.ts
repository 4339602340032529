import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { failureOf, Problem, problemCodes, titleOf } from '../../../src/domain/problem.ts'

const PAGES = `${import.meta.dirname}/../../../docs/problems`

test('every problem has a page, and every page a problem', async () => {
  const pages = (await readdir(PAGES)).map((file) => file.replace(/\.md$/, ''))
  expect(pages.sort()).toEqual([...problemCodes].sort())
})

test('every page carries the title of its problem', async () => {
  for (const code of problemCodes) {
    const [heading] = (await readFile(`${PAGES}/${code}.md`, 'utf8')).split('\n')
    expect(heading, code).toBe(`# ${titleOf(code)}`)
  }
})

test('the failure of long work keeps what clients may see and drops the cause', () => {
  const problem = new Problem('wal-missing', { detail: 'segment 7', cause: new Error('/var/lib/secret') })
  expect(failureOf(problem)).toEqual({
    code: 'wal-missing',
    title: titleOf('wal-missing'),
    detail: 'segment 7',
  })
})
