/** Where a process is to die: right before or right after the effect of its n-th call, counted from 1. */
export interface Death {
  atCall: number
  moment: 'before' | 'after'
}

export interface Call {
  name: string
  /** What it is done for. */
  purpose: string
}

/** One life of a worker process, as far as it acts on the world. */
export interface Life {
  calls: Call[]
  /** The kind of operation it is at. */
  purpose: string
  isOver: boolean
  death: Death | null
}

export const newLife = (death: Death | null = null): Life => ({
  calls: [],
  purpose: '',
  isOver: false,
  death,
})

/** What a call throws that is not answered, because the caller has died. Nothing it does afterwards has an effect. */
export class Died extends Error {
  override readonly name = 'Died'
}

/** Carries out one call of this life on the world, or half of it. */
export async function perform<Result>(
  life: Life,
  name: string,
  effect: () => Result | Promise<Result>,
): Promise<Result> {
  if (life.isOver) throw new Died(`dead before ${name}`)
  life.calls.push({ name, purpose: life.purpose })
  const dying = life.death?.atCall === life.calls.length ? life.death.moment : null
  const end = () => {
    life.isOver = true
    return new Died(`died ${dying} ${name}`)
  }
  if (dying === 'before') throw end()
  const result = await effect()
  if (dying === 'after') throw end()
  return result
}
