const DURATION = /^P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,5})M)?)?$/

/** Seconds of an ISO 8601 duration of days, hours and minutes, such as `P7D` or `PT6H`; null when the text is none. */
export function parseDuration(text: string): number | null {
  const match = DURATION.exec(text)
  if (match === null) return null
  const [days, hours, minutes] = match.slice(1).map((part) => Number(part ?? 0)) as [number, number, number]
  const seconds = ((days * 24 + hours) * 60 + minutes) * 60
  return seconds > 0 && !text.endsWith('T') ? seconds : null
}

/** @throws RangeError when the text is no duration; only for text that has been checked. */
export function secondsOf(duration: string): number {
  const seconds = parseDuration(duration)
  if (seconds === null) throw new RangeError('not a duration')
  return seconds
}
