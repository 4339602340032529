import type { BackupEngine } from '../../../src/backup/engine.ts'

/** What the fake driver's tasks exit with when the backup they fetch is damaged. */
export const DAMAGED = 29

/** Describes work in words that the fake driver understands; reads what that prints. */
export const fakeEngine: BackupEngine = {
  configFiles: (which, _server, archive) => ({ [`${which}.conf`]: archive.serverId }),
  configFileNames: (which) => [`${which}.conf`],

  archiveCommand: ({ serverId }) => `push to ${serverId}`,
  restoreCommand: (_server, sourceServerId) => `fetch from ${sourceServerId}`,

  createArchive: ({ serverId }) => ({ argv: ['engine', 'create-archive', 'own', serverId] }),
  isHalfMade: () => false,
  isUnreadable: () => false,
  backupTask: (_server, type) => ({ argv: ['engine', 'backup', type] }),
  expireTask: (_server, keepFulls) => ({ argv: ['engine', 'expire', String(keepFulls)] }),
  restoreTask: (_server, sourceServerId, label) => ({ argv: ['engine', 'restore', sourceServerId, label] }),
  madeBackup: () => null,
  isDamaged: ({ exitCode }) => exitCode === DAMAGED,
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
  fetchSegment: (_server, which, archiveServerId, segment, toFile) => ({
    argv: ['engine', 'fetch-segment', which, archiveServerId, segment, toFile],
  }),
}
