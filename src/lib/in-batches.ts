/**
 * Asks for many at once: whoever comes while an answer is awaited is asked for next, together with all others who came
 * meanwhile. No answer was asked for before its question was put, so none is older than that.
 */
export function inBatches<Answer>(
  ask: (keys: string[]) => Promise<Map<string, Answer>>,
): (key: string) => Promise<Answer | undefined> {
  let next: { keys: Set<string>; answers: Promise<Map<string, Answer>> } | null = null
  let last: Promise<unknown> = Promise.resolve()

  const open = () => {
    const keys = new Set<string>()
    const begin = () => {
      // Who comes from now on is too late for this one.
      next = null
      return ask([...keys])
    }
    const answers = last.then(begin, begin)
    last = answers
    return { keys, answers }
  }
  return async (key) => {
    next ??= open()
    next.keys.add(key)
    return (await next.answers).get(key)
  }
}
