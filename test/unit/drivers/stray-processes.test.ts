import { expect, test } from 'vitest'
import { mentions } from '../../../src/drivers/local/stray-processes.ts'

test.for([
  '/srv/a',
  '/srv/a/var/data',
  'postgres\0-D\0/srv/a\0',
  '--pg1-path=/srv/a/var/data',
  'sh -c "ls /srv/a"',
  'PGDATA=/srv/ab:/srv/a',
])('a directory is recognised in %j', (text) => {
  expect(mentions(text, '/srv/a')).toBe(true)
})

test.for(['', '/srv', '/srv/ab', '/srv/a_b/var', '/srv/a-b', '/srv/a.b', '/srv/a2\0/srv/aa'])(
  'a directory is not seen in %j, which merely begins the same',
  (text) => {
    expect(mentions(text, '/srv/a')).toBe(false)
  },
)
