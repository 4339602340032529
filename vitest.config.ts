import { defineConfig } from 'vitest/config'

/** What these show does not depend on where archives are kept. */
const ABOUT_THE_HOST_ALONE = [
  // a directory that is moved away
  'test/e2e/archive-outage.test.ts',
  // processes, ports and the queue
  'test/e2e/start-and-stop.test.ts',
  'test/e2e/contended-host.test.ts',
  'test/e2e/emptied-queue.test.ts',
  // the metadata database and Redis
  'test/e2e/own-databases.test.ts',
]

/** These need an object store, or have one of their own. */
const ABOUT_OBJECT_STORES = ['test/e2e/object-store.test.ts', 'test/e2e/storage-keys.test.ts']

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
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: ABOUT_OBJECT_STORES,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'e2e-s3',
          include: ['test/e2e/**/*.test.ts'],
          exclude: ABOUT_THE_HOST_ALONE,
          globalSetup: ['test/support/global-s3.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
})
