/**
 * An exact moment: RFC 3339 in UTC with six digits, `2026-11-23T14:00:00.123456Z`. Text, because JavaScript dates
 * hold milliseconds only; being of one shape, moments compare as strings.
 */
export type Moment = string & { readonly __moment?: never }

const RFC_3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/

/**
 * Reads RFC 3339 text with a mandatory offset. Digits beyond microseconds are cut, as PostgreSQL cannot hold them.
 * Returns null when the text is no such moment (pitfall 7).
 */
export function parseMoment(text: string): Moment | null {
  const match = RFC_3339.exec(text)
  if (match === null) return null
  const [, date, time, fraction = '', offset] = match
  const iso = `${date}T${time}`
  const local = new Date(`${iso}Z`)
  // `Date` rolls 30 February over to March; a moment that does not come back as it went in does not exist.
  if (Number.isNaN(local.getTime()) || local.toISOString().slice(0, 19) !== iso) return null
  const utc = new Date(`${iso}${offset?.toUpperCase()}`)
  // The offset may lead out of the years that have four digits, or to the year 0, which PostgreSQL does not know.
  if (!(utc.getUTCFullYear() >= 1 && utc.getUTCFullYear() <= 9999)) return null
  return `${utc.toISOString().slice(0, 19)}.${fraction.slice(0, 6).padEnd(6, '0')}Z`
}

/** The same moment in the only shape that `recovery_target_time` takes: it refuses a `Z` (measured, pitfall 7). */
export function toRecoveryTargetTime(moment: Moment): string {
  return moment.replace('T', ' ').replace('Z', '+00')
}

/** Microseconds since the Unix epoch. */
export function microsOf(moment: Moment): bigint {
  return BigInt(Date.parse(`${moment.slice(0, 19)}Z`)) * 1000n + BigInt(moment.slice(20, 26))
}

export function momentOfMicros(micros: bigint): Moment {
  const seconds = micros / 1_000_000n
  const fraction = String(micros % 1_000_000n).padStart(6, '0')
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`
}

export function addSeconds(moment: Moment, seconds: number): Moment {
  return momentOfMicros(microsOf(moment) + BigInt(Math.round(seconds * 1_000_000)))
}

/** Seconds from `earlier` to `later`; negative when they are the other way round. */
export function secondsBetween(earlier: Moment, later: Moment): number {
  return Number(microsOf(later) - microsOf(earlier)) / 1_000_000
}
