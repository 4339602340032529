/** Every position that PostgreSQL's bigint can hold, so that ids sort as their positions do. */
const DIGITS = 19

/** What an event is known by to clients: `evt_` and its position. */
export function eventIdOf(position: number): string {
  return `evt_${String(position).padStart(DIGITS, '0')}`
}
