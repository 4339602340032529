import { defineConfig } from 'vitest/config'

/** What these show does not depend on where archives are kept, or only on the local repository. */
const ABOUT_THE_HOST = [
  'archive-outage',
  'contended-host',
  'guides',
  'emptied-queue',
  'master-key',
  'own-databases',
  'second-client',
  'start-and-stop',
]

/** These need an object store, or have one of their own. */
const ABOUT_OBJECT_STORES = ['object-store', 'storage-keys', 'store-outage']

/** The shortest way through everything on the local repository; the rest of the suite runs on the object store. */
const THROUGH_EVERYTHING = ['story']

const files = (names: readonly string[]) => names.map((name) => `test/e2e/${name}.test.ts`)

/** Groups run one after another: what starts servers does not compete with the rest for the machine. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: [
            'test/support/global-postgres.ts',
            'test/support/global-redis.ts',
            'test/support/global-s3.ts',
          ],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      // With the archives in the local repository: all of it on demand, and of that what `npm test` runs.
      e2e('e2e', { exclude: files(ABOUT_OBJECT_STORES) }),
      e2e('e2e-local', { include: files([...ABOUT_THE_HOST, ...THROUGH_EVERYTHING]) }),
      e2e('e2e-s3', { exclude: files(ABOUT_THE_HOST), globalSetup: ['test/support/global-s3.ts'] }),
    ],
  },
})

/** Three files at a time: they wait for servers more than they compute. */
function e2e(name: string, options: { include?: string[]; exclude?: string[]; globalSetup?: string[] }) {
  const limits = { testTimeout: 180_000, hookTimeout: 180_000, maxWorkers: 3 }
  const test = { include: ['test/e2e/**/*.test.ts'], ...options, ...limits, name }
  return { test: { ...test, sequence: { groupOrder: name === 'e2e-s3' ? 3 : 2 } } }
}
