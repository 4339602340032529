/**
 * Remembers values for so many milliseconds of the process' own clock, which no step of the system's moves. What is older
 * makes room when the next one comes.
 */
export function briefMemory<Value>(milliseconds: number, clock: () => number = () => performance.now()) {
  /** Nearly in the order of their beginnings. */
  const held = new Map<string, { since: number; value: Value }>()
  const isOver = (since: number) => clock() - since >= milliseconds

  return {
    get(key: string): Value | undefined {
      const found = held.get(key)
      return found === undefined || isOver(found.since) ? undefined : found.value
    },

    /**
     * Asks, and remembers the answer from before the question on: nothing older than that is ever told. That there is
     * none is not remembered.
     */
    async learn(key: string, ask: () => Promise<Value | undefined>): Promise<Value | undefined> {
      const since = clock()
      const value = await ask()
      if (value === undefined) return undefined
      held.delete(key)
      held.set(key, { since, value })
      for (const [oldest, { since: before }] of held) {
        if (!isOver(before)) break
        held.delete(oldest)
      }
      return value
    },

    get size(): number {
      return held.size
    },
  }
}
