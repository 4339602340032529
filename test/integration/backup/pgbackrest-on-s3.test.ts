import { keepArchivesOnS3 } from './place.ts'

// The guarantees of the other file hold with archives on an object store, too.
keepArchivesOnS3()
await import('./pgbackrest.test.ts')
