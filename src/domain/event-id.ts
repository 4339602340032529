const DIGITS = 11
const PATTERN = /^evt_[0-9a-z]{11}$/

/**
 * The id of the event at that position. Ids sort as text in the order of positions; what they are made of is nobody's
 * business but this file's.
 */
export function eventIdOf(position: number): string {
  return `evt_${position.toString(36).padStart(DIGITS, '0')}`
}

/** The position an event id stands for; null when the text is no such id. */
export function positionOfEvent(id: string): number | null {
  if (!PATTERN.test(id)) return null
  const position = Number.parseInt(id.slice(4), 36)
  return Number.isSafeInteger(position) ? position : null
}
