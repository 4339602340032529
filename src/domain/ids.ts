import { fromString, fromUUID, typeidUnboxed } from 'typeid-js'
import { type Moment, microsOf } from './moment.ts'

/** What each prefix names. Ids are TypeIDs over UUIDv7: sortable by creation, and their kind is plain to see. */
const PREFIXES = {
  tenant: 'tnt',
  apiKey: 'key',
  addon: 'addon',
  server: 'srv',
  backup: 'bak',
  restore: 'rst',
  restorePoint: 'rpt',
  drill: 'drl',
  credential: 'cred',
  operation: 'op',
  webhookEndpoint: 'whe',
  webhookSecret: 'whs',
  webhookDelivery: 'dlv',
} as const

export type IdKind = keyof typeof PREFIXES

/** A new id, later in order than every id of its kind made before it (to the millisecond). */
export function newId(kind: IdKind): string {
  return typeidUnboxed(PREFIXES[kind])
}

/** The lowest id of that kind that can be made at that moment, to the millisecond. */
export function firstIdAt(kind: IdKind, moment: Moment): string {
  const milliseconds = microsOf(moment) / 1000n
  const time = (milliseconds < 0n ? 0n : milliseconds).toString(16).padStart(12, '0')
  return fromUUID(`${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`, PREFIXES[kind]).toString()
}

/** Whether the text is a well-formed id of that kind. It says nothing about whether the thing exists. */
export function isId(kind: IdKind, text: string): boolean {
  try {
    fromString(text, PREFIXES[kind])
    return true
  } catch {
    return false
  }
}
