const KEYS_MAX = 10_000

/**
 * Hashes of keys that were found valid when they were last looked up. It only decides what a request is counted by:
 * whether its key is valid still is not asked here.
 */
export function knownKeys(max = KEYS_MAX) {
  const hashes = new Set<string>()
  return {
    has: (hash: string): boolean => hashes.has(hash),
    forget: (hash: string): void => void hashes.delete(hash),
    /** The oldest makes room. */
    remember(hash: string): void {
      hashes.add(hash)
      const [oldest] = hashes
      if (hashes.size > max && oldest !== undefined) hashes.delete(oldest)
    },
  }
}
