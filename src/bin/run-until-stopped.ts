import closeWithGrace from 'close-with-grace'

/**
 * Closes the service at SIGINT, SIGTERM or an error that nobody caught, and when the parent that forked this process is
 * gone; the process ends after the grace period even if the service does not.
 */
export function runUntilStopped(service: { close(): Promise<void> }, graceSeconds: number): void {
  const { close } = closeWithGrace({ delay: graceSeconds * 1000 }, async ({ err }) => {
    if (err) process.stderr.write(`${err.stack ?? err.message}\n`)
    await service.close()
  })
  process.once('disconnect', close)
}
