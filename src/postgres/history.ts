/** One step in the life of a server: `timeline` ended at `switchLsn`, where the next one begins. */
export interface TimelineSwitch {
  timeline: number
  switchLsn: string
  reason: string
}

/** Reads a timeline history file (PostgreSQL manual, 26.3.6), oldest timeline first. */
export function parseHistory(text: string): TimelineSwitch[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)\s*(.*?)\s*$/.exec(line)
    if (match === null) return []
    const [, timeline = '', switchLsn = '', reason = ''] = match
    return [{ timeline: Number(timeline), switchLsn, reason }]
  })
}
