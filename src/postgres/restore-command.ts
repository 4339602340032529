/**
 * The command with a shortcut for what PostgreSQL does at the end of recovery: it asks for the last segment once more,
 * though it has kept the file under its own name in `pg_wal`. The copy takes milliseconds, where an archive may take
 * half a second to open again. Only the segment fetched last counts: any other file of that name may be a recycled one.
 * @param restoreCommand as for `restore_command`, with `%f` and `%p`; its exit status passes through
 * @param noteFile where the name of the segment fetched last is kept
 */
export function withLastSegment(restoreCommand: string, noteFile: string): string {
  const note = `'${noteFile.replaceAll("'", "'\\''").replaceAll('%', '%%')}'`
  // Words of the shell itself, as this runs for every segment.
  const isLast = `[ -e ${note} ] && read -r last <${note} && [ "$last" = %f ]`
  const kept = `${isLast} && cp pg_wal/%f "%p" 2>/dev/null`
  return `{ ${kept}; } || { ${restoreCommand} && echo %f >${note}; }`
}
