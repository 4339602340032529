const KEYS_MAX = 10_000

/**
 * Which group the keys that were found valid last belong to, by the hash of each. It only decides whose turn a request
 * takes: whether the key is valid still is looked up every time.
 */
export function knownKeys(max = KEYS_MAX) {
  const groups = new Map<string, string>()
  return {
    groupOf: (hash: string): string | undefined => groups.get(hash),
    forget: (hash: string): void => void groups.delete(hash),
    /** The oldest makes room. */
    remember(hash: string, group: string): void {
      groups.set(hash, group)
      const [oldest] = groups.keys()
      if (groups.size > max && oldest !== undefined) groups.delete(oldest)
    },
  }
}
