import closeWithGrace from 'close-with-grace'
import { redact } from '../telemetry/redact.ts'

/** Runs what a process begins with; what goes wrong then is for whoever started it, in a line and without a stack. */
export async function start(begin: () => Promise<void>): Promise<void> {
  try {
    await begin()
  } catch (error) {
    process.stderr.write(redact(`${error instanceof Error ? error.message : String(error)}\n`))
    process.exit(1)
  }
}

/**
 * Closes the service at SIGINT, SIGTERM or an error that nobody caught, and when the parent that forked this process is
 * gone. The process ends, with exit status 1, at a second signal or after the grace period even if the service does not.
 */
export function runUntilStopped(service: { close(): Promise<void> }, graceSeconds: number): void {
  const { close } = closeWithGrace({ delay: graceSeconds * 1000 }, async ({ err }) => {
    if (err) process.stderr.write(redact(`${err.stack ?? err.message}\n`))
    await service.close()
    // Somebody has said already that this is no good end; a signal alone would make it one.
    if (process.exitCode !== undefined && process.exitCode !== 0) process.exit()
  })
  process.once('disconnect', close)
}
