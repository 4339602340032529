/** Work that may be asked for at any time, and runs once at a time. */
export interface OneAtATime {
  /** Runs the work; once more, if it is running already, when that run ends. */
  ask(): void
  /** Resolves once nothing runs; what is asked for after this is called is not done. */
  stop(): Promise<void>
}

export function oneAtATime(work: () => Promise<void>, onError: (error: unknown) => void): OneAtATime {
  let running: Promise<void> | null = null
  let isAsked = false
  let isStopped = false
  const run = async () => {
    while (isAsked && !isStopped) {
      isAsked = false
      await work().catch(onError)
    }
    running = null
  }
  return {
    ask() {
      isAsked = true
      running ??= run()
    },
    async stop() {
      isStopped = true
      await running
    },
  }
}
