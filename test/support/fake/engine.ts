import type { BackupEngine } from '../../../src/backup/engine.ts'

/** Describes work in words that the fake driver understands; reads what that prints. */
export const fakeEngine: BackupEngine = {
  configFiles: (which, _server, archive) => ({ [`${which}.conf`]: archive.serverId }),
  configFileNames: (which) => [`${which}.conf`],

  archiveCommand: ({ serverId }) => `push to ${serverId}`,
  restoreCommand: (_server, sourceServerId) => `fetch from ${sourceServerId}`,

  createArchive: ({ serverId }) => ({ argv: ['engine', 'create-archive', 'own', serverId] }),
  isHalfMade: () => false,
  backupTask: () => ({ argv: ['engine', 'backup'] }),
  restoreTask: (_server, sourceServerId, label) => ({ argv: ['engine', 'restore', sourceServerId, label] }),
  verifyTask: (_server, archiveServerId) => ({ argv: ['engine', 'verify', archiveServerId] }),
  parseVerify: ({ stdoutTail }) => ({
    isReadable: true,
    isComplete: true,
    damaged: (JSON.parse(stdoutTail) as string[]).map((label) => ({ label, files: 1 })),
    damagedSegments: [],
  }),
  endFetching: (_server, sourceServerId) => ({ argv: ['engine', 'end-fetching', 'source', sourceServerId] }),
  progressOf: (_kind, _report, bytesTotal = null) => ({ bytesDone: 0, bytesTotal, percent: null }),

  listBackups: (_server, which, archiveServerId) => ({
    argv: ['engine', 'list-backups', which, archiveServerId],
  }),
  parseBackups: (stdout) => JSON.parse(stdout),
  listSegments: (_server, which, archiveServerId) => ({
    argv: ['engine', 'list-segments', which, archiveServerId],
  }),
  parseSegments: (stdout) => JSON.parse(stdout),
  fetchSegment: (_server, which, archiveServerId, segment, toFile) => ({
    argv: ['engine', 'fetch-segment', which, archiveServerId, segment, toFile],
  }),
}
