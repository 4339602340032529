import type { BackupEngine, EngineConfig, EngineServer } from '../engine.ts'
import {
  aheadCommand,
  backupArgv,
  endFetchingArgv,
  expireArgv,
  fetchSegmentArgv,
  infoArgv,
  recoveryCommand,
  restoreArgv,
  type Stanza,
  shellCommand,
  stanzaArgv,
  verifyArgv,
} from './argv.ts'
import { configFileNames, configFiles, type PgbackrestOptions } from './config-file.ts'
import { isDamaged } from './damage.ts'
import { parseInfo } from './info.ts'
import { readLabel, readProgress } from './progress.ts'
import { saysUnreadable } from './unreadable.ts'
import { parseVerify } from './verify.ts'

/** pgBackRest's exit statuses (src/build/error/error.yaml of its source). */
const PATH_NOT_EMPTY = 40
const FILE_MISSING = 55

/** pgBackRest 2.45 or later. Stanzas are named after servers; secrets are in configuration files only. */
export function pgbackrestEngine(options: PgbackrestOptions): BackupEngine {
  const { program } = options
  const stanzaOf = (server: EngineServer, which: EngineConfig, archiveServerId: string): Stanza => ({
    program,
    server,
    which,
    archiveServerId,
  })
  const own = (server: EngineServer) => stanzaOf(server, 'own', server.serverId)
  const source = (server: EngineServer, sourceServerId: string) => stanzaOf(server, 'source', sourceServerId)

  return {
    configFiles: (which, server, archive) => configFiles(which, options, server, archive),
    configFileNames,

    archiveCommand: (server) => shellCommand(own(server), 'archive-push "%p"'),
    restoreCommand: (server, sourceServerId, { fetchesAhead }) =>
      fetchesAhead
        ? aheadCommand(source(server, sourceServerId))
        : recoveryCommand(source(server, sourceServerId), '--no-archive-async archive-get'),

    createArchive: (server) => ({ argv: stanzaArgv(own(server), 'stanza-create') }),
    isHalfMade: ({ exitCode }) => exitCode === PATH_NOT_EMPTY || exitCode === FILE_MISSING,
    isUnreadable: (output) => saysUnreadable(Object.values(output).join('\n')),
    backupTask: (server, type) => ({ argv: backupArgv(own(server), type) }),
    expireTask: (server, keepFulls) => ({ argv: expireArgv(own(server), keepFulls) }),
    restoreTask: (server, sourceServerId, label) => ({
      argv: restoreArgv(source(server, sourceServerId), label),
    }),
    madeBackup: readLabel,
    isDamaged,
    verifyTask: (server, archiveServerId) => ({ argv: verifyArgv(source(server, archiveServerId)) }),
    parseVerify,
    endFetching: (server, sourceServerId) => ({ argv: endFetchingArgv(source(server, sourceServerId)) }),
    progressOf: (_kind, report, bytesTotal = null) => readProgress(report, bytesTotal),

    listBackups: (server, which, archiveServerId, label) => ({
      argv: infoArgv(stanzaOf(server, which, archiveServerId), label),
    }),
    parseBackups: parseInfo,
    fetchSegment: (server, which, archiveServerId, segment, toFile) => ({
      argv: fetchSegmentArgv(stanzaOf(server, which, archiveServerId), segment, toFile),
    }),
  }
}
