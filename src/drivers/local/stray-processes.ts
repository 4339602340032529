import {
  commandAndEnvironment,
  endProcesses,
  listProcesses,
  type Process,
  workingDirectory,
} from '../../lib/process-table.ts'

const GRACE_SECONDS = 5

/**
 * Ends every process of the user whose working directory, command line or environment mentions one of the directories.
 * pgBackRest's asynchronous workers are sessions of their own with `/` as their working directory, and outlive the
 * server that started them; they inherit its environment.
 */
export async function endStrayProcesses(uid: number, directories: readonly string[]): Promise<void> {
  const belongs = async ({ pid }: Process) => {
    const texts = [(await workingDirectory(pid))?.path ?? '', await commandAndEnvironment(pid)]
    return texts.some((text) => directories.some((directory) => mentions(text, directory)))
  }
  const find = async () => {
    const all = await listProcesses(uid)
    const chosen = await Promise.all(all.map(belongs))
    return all.filter((_, index) => chosen[index])
  }
  await endProcesses(find, GRACE_SECONDS)
}

/** Whether the text names the directory or something in it, and not one whose name merely begins the same. */
export function mentions(text: string, directory: string): boolean {
  for (let at = text.indexOf(directory); at !== -1; at = text.indexOf(directory, at + 1)) {
    const next = text[at + directory.length] ?? ''
    if (!/[\w.-]/.test(next)) return true
  }
  return false
}
