// What `tsyringe`, a dependency of `@peculiar/x509`, asks for of the `Reflect` metadata proposal, and no more of it. To be
// imported before that library.

type Metadata = Map<unknown, unknown>

const metadataOf = new WeakMap<object, Metadata>()

function getMetadata(key: unknown, target: object): unknown {
  for (let each: object | null = target; each !== null; each = Object.getPrototypeOf(each) as object | null) {
    const found = metadataOf.get(each)
    if (found?.has(key) === true) return found.get(key)
  }
  return undefined
}

const functions = {
  defineMetadata(key: unknown, value: unknown, target: object): void {
    const metadata: Metadata = metadataOf.get(target) ?? new Map()
    metadataOf.set(target, metadata.set(key, value))
  },
  getOwnMetadata: (key: unknown, target: object): unknown => metadataOf.get(target)?.get(key),
  getMetadata,
}

// Somebody else's is complete, and stays.
if (!('getMetadata' in Reflect)) Object.assign(Reflect, functions)
