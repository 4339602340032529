import { fromString, typeidUnboxed } from 'typeid-js'

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

/** Whether the text is a well-formed id of that kind. It says nothing about whether the thing exists. */
export function isId(kind: IdKind, text: string): boolean {
  try {
    fromString(text, PREFIXES[kind])
    return true
  } catch {
    return false
  }
}
