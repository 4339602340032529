import { DemoClient } from './demo/client.ts'
import { s3Variables, startS3Server } from './demo/s3-server.ts'
import { tellStory } from './demo/story.ts'
import { startTemporaryUndrop } from './demo/temporary-undrop.ts'

// Plays Undrop's main job on this machine, through its HTTP API, and leaves nothing behind. With `--s3` archives are
// kept on an object store, which is started for it.
const startedAt = performance.now()
const objectStore = process.argv.includes('--s3') ? await startS3Server() : null
const variables = objectStore === null ? {} : await s3Variables(objectStore, 'undrop')
const undrop = await startTemporaryUndrop({ LOG_LEVEL: 'warn', ...variables })
const startSeconds = (performance.now() - startedAt) / 1000
let failure: unknown
try {
  await tellStory(new DemoClient(undrop), startSeconds)
} catch (error) {
  failure = error
} finally {
  await undrop.remove()
  await objectStore?.stop()
}
if (failure !== undefined) {
  console.error('\nThe demo failed:', failure)
  console.error(undrop.log())
  process.exit(1)
}
console.log(`\nEverything is removed again. ${((performance.now() - startedAt) / 1000).toFixed(1)} s in all.`)
