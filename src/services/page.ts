import type { Slice } from '../db/slice.ts'

export type { Slice }

/** One page of a list. */
export interface Page<Item> {
  data: Item[]
  /** Asks for the next page; null on the last. Opaque to clients. */
  nextCursor: string | null
}

/** @param rows as many as the slice asked for and one more, if there are */
export function pageOf<Row extends { id: string }, Item>(
  rows: readonly Row[],
  { limit }: Slice,
  view: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    data: shown.map(view),
    nextCursor: last !== undefined && rows.length > limit ? cursorAfter(last.id) : null,
  }
}

function cursorAfter(id: string): string {
  return Buffer.from(id).toString('base64url')
}

/** The id a cursor stands for; the caller checks that it is one. */
export function idOfCursor(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString()
}
