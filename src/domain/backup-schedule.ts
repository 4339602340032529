import { createHash } from 'node:crypto'
import type { BackupType } from './addon.ts'
import type { CompleteBackupPolicy } from './backup-policy.ts'
import { differentialSeconds } from './backup-policy.ts'
import { secondsOf } from './duration.ts'
import { type Moment, microsOf, momentOfMicros } from './moment.ts'

const DAY = 86_400
/** A backup whose time has passed is made up for within this long. */
const CATCH_UP_SECONDS = 3600

export interface NextBackup {
  at: Moment
  type: 'full' | 'differential'
}

interface TakenBackup {
  type: BackupType
  stoppedAt: Moment
}

/** The part of each day in which backups begin, in seconds; `open` is a whole day where there is no window. */
interface Clock {
  from: number
  open: number
}

/**
 * When the next backup of an add-on is due, and of which type.
 *
 * Every add-on has slots of its own, as far apart as the policy says and shifted by its spread; the first one after the
 * last backup counts. Slots depend neither on when the add-on was made nor on when others ran, so they stay evenly
 * spread whatever happens. With a window, slots are laid out on a clock that goes on only while the window is open.
 *
 * @param backups complete ones that can be restored from
 * @param spread from 0 to 1, the same for an add-on for ever (`spreadOf`)
 */
export function nextBackup(
  policy: CompleteBackupPolicy,
  backups: readonly TakenBackup[],
  spread: number,
  now: Moment,
): NextBackup {
  const clock = clockOf(policy)
  const fullEvery = secondsOf(policy.fullEvery)
  const every = differentialSeconds(policy) ?? fullEvery
  const phase = Math.floor(spread * openSeconds(clock, fullEvery))
  const full = slotAfter(clock, openSeconds(clock, fullEvery), phase, lastOf(backups, ['full']))
  const any = slotAfter(clock, openSeconds(clock, every), phase, lastOf(backups))
  const slot = Math.min(full, any)
  const current = elapsed(clock, unixSeconds(now))
  const missed = slot <= current
  const at = missed ? current + catchUp(clock, openSeconds(clock, every), spread) : slot
  return {
    at: momentOfMicros(BigInt(momentAt(clock, at)) * 1_000_000n),
    type: full <= at ? 'full' : 'differential',
  }
}

/** Whether a scheduled backup may begin at that moment. */
export function isInWindow(policy: CompleteBackupPolicy, moment: Moment): boolean {
  const { from, open } = clockOf(policy)
  return modulo(unixSeconds(moment) - from, DAY) < open
}

/** A share from 0 to 1 that is an add-on's own; over many of them evenly spread. */
export function spreadOf(serverId: string): number {
  return createHash('sha256').update(serverId).digest().readUIntBE(0, 6) / 2 ** 48
}

function clockOf({ window }: CompleteBackupPolicy): Clock {
  if (window === null) return { from: 0, open: DAY }
  const [from, to] = [secondsOfDay(window.from), secondsOfDay(window.to)]
  return { from, open: modulo(to - from, DAY) }
}

function secondsOfDay(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return (hours * 60 + minutes) * 60
}

/** A period on the clock of the window: days become windows; what is shorter than a day is kept as far as it fits. */
function openSeconds({ open }: Clock, periodSeconds: number): number {
  return Math.max(Math.floor((periodSeconds * open) / DAY), Math.min(periodSeconds, open))
}

/** The first slot after that moment; one that lies behind any moment when there has been no backup. */
function slotAfter(clock: Clock, period: number, phase: number, last: Moment | null): number {
  if (last === null) return Number.NEGATIVE_INFINITY
  const since = elapsed(clock, unixSeconds(last))
  return (Math.floor((since - phase) / period) + 1) * period + phase
}

/** Not at once, so that an outage does not end with everybody's backup, and one that fails is not repeated for ever. */
function catchUp({ open }: Clock, period: number, spread: number): number {
  const within = Math.min(period, CATCH_UP_SECONDS, open)
  return Math.ceil(within * (0.25 + 0.75 * spread))
}

function lastOf(
  backups: readonly TakenBackup[],
  types: readonly BackupType[] = ['full', 'differential', 'incremental'],
): Moment | null {
  const moments = backups.filter(({ type }) => types.includes(type)).map(({ stoppedAt }) => stoppedAt)
  return moments.sort().at(-1) ?? null
}

/** How long the window has been open until then, since the first one of 1970; while it is closed, up to its last second. */
function elapsed({ from, open }: Clock, unix: number): number {
  const sinceFrom = unix - from
  return Math.floor(sinceFrom / DAY) * open + Math.min(modulo(sinceFrom, DAY), open - 1)
}

/** The second at which the window has been open for that long. */
function momentAt({ from, open }: Clock, openFor: number): number {
  return Math.floor(openFor / open) * DAY + modulo(openFor, open) + from
}

const unixSeconds = (moment: Moment) => Number(microsOf(moment) / 1_000_000n)
const modulo = (value: number, by: number) => ((value % by) + by) % by
