import { rm } from 'node:fs/promises'
import { type ServerFiles, segmentFile } from './server-files.ts'

/** Takes one segment out of a server's archive, wherever that is kept. */
export async function removeSegment(server: ServerFiles, segment: string): Promise<void> {
  await rm(await segmentFile(server, segment))
}
