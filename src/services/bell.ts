/** Lets one waiter sleep until somebody rings. What is rung for while it is awake is not lost. */
export interface Bell {
  ring(): void
  /** True once it has been rung since the last wait; false when the time is over or the signal is given. */
  wait(seconds: number, signal: AbortSignal): Promise<boolean>
}

export function newBell(): Bell {
  let wasRung = false
  let wake = () => {}
  return {
    ring() {
      wasRung = true
      wake()
    },
    async wait(seconds, signal) {
      if (!wasRung && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>()
        const timer = setTimeout(resolve, seconds * 1000)
        wake = resolve
        signal.addEventListener('abort', wake)
        await promise
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
      }
      const answer = wasRung
      wasRung = false
      return answer
    },
  }
}
