/** What is wrong with a JSON text, and where: nothing of what it says. */
export interface JsonFault {
  detail: string
  /** In UTF-16 code units from the beginning. */
  position: number
}

const SPACE = /[ \t\n\r]*/y
const STRING = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const WORD = /true|false|null/y

class Fault extends Error {
  readonly position: number
  constructor(detail: string, position: number) {
    super(detail)
    this.position = position
  }
}

/**
 * The first reason why a text is not to be taken for JSON (RFC 8259), beyond grammar: a name that is twice in one object,
 * of which parsers keep another one each; a number that no double holds; nesting that is too deep. Null when there is none.
 */
export function scanJson(text: string, depthMax: number): JsonFault | null {
  try {
    new Scan(text, depthMax).document()
    return null
  } catch (error) {
    if (error instanceof Fault) return { detail: error.message, position: error.position }
    throw error
  }
}

class Scan {
  readonly #text: string
  readonly #depthMax: number
  #at = 0

  constructor(text: string, depthMax: number) {
    this.#text = text
    this.#depthMax = depthMax
  }

  document(): void {
    this.#value(1)
    if (this.#at < this.#text.length) throw new Fault('goes on after its end', this.#at)
  }

  #value(depth: number): void {
    this.#take(SPACE)
    if (this.#skip('{')) this.#members(depth)
    else if (this.#skip('[')) this.#elements(depth)
    else if (this.#text[this.#at] === '"') this.#string()
    else if (this.#take(WORD) === null) this.#number()
    this.#take(SPACE)
  }

  #members(depth: number): void {
    this.#assertNotTooDeep(depth)
    const names = new Set<string>()
    this.#take(SPACE)
    if (this.#skip('}')) return
    do {
      this.#take(SPACE)
      const at = this.#at
      const name = JSON.parse(this.#string()) as string
      if (names.has(name)) throw new Fault('has a name twice in one object', at)
      names.add(name)
      this.#take(SPACE)
      this.#expect(':')
      this.#value(depth + 1)
    } while (this.#skip(','))
    this.#expect('}')
  }

  #elements(depth: number): void {
    this.#assertNotTooDeep(depth)
    this.#take(SPACE)
    if (this.#skip(']')) return
    do this.#value(depth + 1)
    while (this.#skip(','))
    this.#expect(']')
  }

  #string(): string {
    const string = this.#take(STRING)
    if (string === null) throw this.#unexpected()
    return string
  }

  #number(): void {
    const at = this.#at
    const number = this.#take(NUMBER)
    if (number === null) throw this.#unexpected()
    if (!Number.isFinite(Number(number))) throw new Fault('has a number that is too large', at)
  }

  #take(token: RegExp): string | null {
    token.lastIndex = this.#at
    const found = token.exec(this.#text)?.[0] ?? null
    if (found !== null) this.#at += found.length
    return found
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #expect(character: string): void {
    if (!this.#skip(character)) throw this.#unexpected()
  }

  #assertNotTooDeep(depth: number): void {
    if (depth > this.#depthMax) throw new Fault(`is nested more than ${this.#depthMax} deep`, this.#at - 1)
  }

  #unexpected(): Fault {
    const ended = this.#at >= this.#text.length
    return new Fault(ended ? 'ends too early' : 'is not JSON', this.#at)
  }
}
