import { DemoClient } from './demo/client.ts'
import { tellStory } from './demo/story.ts'
import { startTemporaryUndrop } from './demo/temporary-undrop.ts'

// Plays Undrop's main job on this machine, through its HTTP API, and leaves nothing behind.
const startedAt = performance.now()
const undrop = await startTemporaryUndrop({ LOG_LEVEL: 'warn' })
const startSeconds = (performance.now() - startedAt) / 1000
let failure: unknown
try {
  await tellStory(new DemoClient(undrop.url, undrop.platformKey), startSeconds)
} catch (error) {
  failure = error
} finally {
  await undrop.remove()
}
if (failure !== undefined) {
  console.error('\nThe demo failed:', failure)
  console.error(undrop.log())
  process.exit(1)
}
console.log(`\nEverything is removed again. ${((performance.now() - startedAt) / 1000).toFixed(1)} s in all.`)
