export interface GateLimits {
  /** How many may be inside at a time, of all groups and of one. */
  inside: number
  insideOfGroup: number
  /** How many of one group may wait, and how long. */
  waitingOfGroup: number
  waitSeconds: number
}

/** Leaves the gate; may be called again. */
export type Leave = () => void

/** Nobody was let in. `ownLimit` tells whether the group's own doing was in the way, or others'. */
export class GateClosed extends Error {
  readonly ownLimit: boolean

  constructor(ownLimit: boolean) {
    super('the gate did not open in time')
    this.ownLimit = ownLimit
  }
}

interface Group {
  inside: number
  waiting: Set<() => void>
}

/** Lets in so many at a time. Groups take turns, so that one that sends many makes nobody wait but itself. */
export function fairGate({ inside: insideMax, insideOfGroup, waitingOfGroup, waitSeconds }: GateLimits) {
  /** In the order of their turns; only those that have somebody inside or waiting. */
  const groups = new Map<string, Group>()
  let inside = 0

  const open = (group: Group) => inside < insideMax && group.inside < insideOfGroup

  function letIn(name: string, group: Group): Leave {
    inside++
    group.inside++
    let left = false
    return () => {
      if (left) return
      left = true
      inside--
      group.inside--
      if (group.inside === 0 && group.waiting.size === 0) groups.delete(name)
      next()
    }
  }

  function next(): void {
    for (const [name, group] of groups) {
      const [first] = group.waiting
      if (first === undefined || !open(group)) continue
      groups.delete(name)
      groups.set(name, group)
      first()
      return
    }
  }

  return {
    /** @throws GateClosed when too many of the group wait already, or it takes too long */
    enter(name: string): Promise<Leave> | Leave {
      const group = groups.get(name) ?? { inside: 0, waiting: new Set() }
      groups.set(name, group)
      if (group.waiting.size === 0 && open(group)) return letIn(name, group)
      if (group.waiting.size >= waitingOfGroup) throw new GateClosed(group.inside >= insideOfGroup)
      return waitIn(name, group)
    },
  }

  function waitIn(name: string, group: Group): Promise<Leave> {
    return new Promise((resolve, reject) => {
      const turn = () => {
        clearTimeout(timer)
        group.waiting.delete(turn)
        resolve(letIn(name, group))
      }
      const timer = setTimeout(() => {
        group.waiting.delete(turn)
        const ownLimit = group.inside >= insideOfGroup
        if (group.inside === 0 && group.waiting.size === 0) groups.delete(name)
        reject(new GateClosed(ownLimit))
      }, waitSeconds * 1000)
      group.waiting.add(turn)
    })
  }
}
