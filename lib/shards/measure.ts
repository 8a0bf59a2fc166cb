/**
 * A measure of the key space: how much of it lies before an object key, as far as a sample of object keys tells.
 *
 * Each object key is a number between 0 and 1, as arithmetic coding would have it: a code point takes the share that the
 * alphabet of its position gives it. Alphabets are completed to whole classes, for a sample of `0001` to `0100` is one of
 * digits, not one of zeros.
 */
export interface Measure {
  /** What lies before an object key, from 0 to 1. */
  before(objectKey: string): number
  /** The shortest text before which so much lies, give or take `tolerance`. */
  textAt(share: number, tolerance: number): string
}

interface Alphabet {
  /** Code points in their order, which is also that of their UTF-8. */
  readonly symbols: readonly number[]
  /** The share below each, and 1 behind the last. */
  readonly below: readonly number[]
}

const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

const PRINTABLE = range(0x20, 0x7e)
/** Where some scripts begin, so that object keys beyond ASCII are found, too. */
const BEYOND = [0x80, 0x400, 0x3040, 0xac00, 0x10000]
const DIGITS = range(0x30, 0x39)
const LETTERS = [range(0x61, 0x7a), range(0x41, 0x5a)]
const HEXADECIMAL_LETTERS = 6

/** The class that a symbol belongs to, if the others that were seen do not tell of a larger one. */
const classOf = (symbol: number, seen: ReadonlySet<number>): readonly number[] => {
  if (DIGITS.includes(symbol)) return DIGITS
  const letters = LETTERS.find(each => each.includes(symbol))
  if (letters === undefined) return [symbol]
  const beyond = letters.slice(HEXADECIMAL_LETTERS)
  const isHexadecimal = !beyond.some(letter => seen.has(letter))
  return isHexadecimal ? letters.slice(0, HEXADECIMAL_LETTERS) : letters
}

/** Shares of what any position showed, and of what none did. */
const ELSEWHERE = 0.5
const UNSEEN = 0.05

const wholeClasses = (
  seen: ReadonlySet<number>,
  everywhere: ReadonlySet<number>,
): ReadonlySet<number> => new Set([...seen].flatMap(symbol => classOf(symbol, everywhere)))

/** @param everywhere what was seen at any position */
const alphabetOf = (seen: ReadonlySet<number>, everywhere: ReadonlySet<number>): Alphabet => {
  const here = wholeClasses(seen, everywhere)
  const elsewhere = wholeClasses(everywhere, everywhere)
  const symbols = [...new Set([...PRINTABLE, ...BEYOND, ...elsewhere])].sort((a, b) => a - b)
  const below = [0]
  let sum = 0
  for (const symbol of symbols) {
    sum += UNSEEN / symbols.length
    if (elsewhere.has(symbol)) sum += ELSEWHERE / elsewhere.size
    if (here.has(symbol)) sum += (1 - ELSEWHERE - UNSEEN) / here.size
    below.push(sum)
  }
  return { symbols, below: below.map(share => share / sum) }
}

/** The place of the last symbol that is not above the code point; -1 where all are. */
const placeOf = ({ symbols }: Alphabet, point: number): number => {
  let low = 0
  let high = symbols.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((symbols[middle] ?? 0) <= point) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** The shares between which what begins with a symbol lies. */
interface Cell {
  readonly low: number
  readonly high: number
}

const cellAt = ({ below }: Alphabet, place: number): Cell => ({
  low: below[place] ?? 0,
  high: below[place + 1] ?? 1,
})

/** The cell of a code point: an empty one between its neighbours where it is no symbol. */
const cellOf = (alphabet: Alphabet, point: number): Cell => {
  const place = placeOf(alphabet, point)
  if (place < 0) return { low: 0, high: 0 }
  const { low, high } = cellAt(alphabet, place)
  return alphabet.symbols[place] === point ? { low, high } : { low: high, high }
}

const pointsOf = (text: string): readonly number[] =>
  Array.from(text, character => character.codePointAt(0) ?? 0)

/** Positions behind which a double tells nothing apart any more. */
const DEPTH = 24

/** The alphabets of the first positions behind a prefix. */
const alphabetsOf = (sample: readonly (readonly number[])[]): readonly Alphabet[] => {
  const everywhere = new Set(sample.flat())
  return range(0, DEPTH - 1).map(i =>
    alphabetOf(new Set(sample.flatMap(points => points[i] ?? [])), everywhere),
  )
}

const shareBefore = (alphabets: readonly Alphabet[], points: readonly number[]): number => {
  let share = 0
  let width = 1
  for (const [i, alphabet] of alphabets.entries()) {
    const point = points[i]
    if (point === undefined || width === 0) break
    const { low, high } = cellOf(alphabet, point)
    share += width * low
    width *= high - low
  }
  return share
}

const textBehind = (alphabets: readonly Alphabet[], share: number, tolerance: number): string => {
  let text = ''
  let left = share
  let width = 1
  for (const alphabet of alphabets) {
    const place = Math.max(0, alphabet.below.findIndex(each => each > left) - 1)
    const { low, high } = cellAt(alphabet, place)
    text += String.fromCodePoint(alphabet.symbols[place] ?? 0x20)
    if ((left - low) * width < tolerance) break
    left = (left - low) / (high - low)
    width *= high - low
  }
  return text
}

/** @param prefix what all object keys that are measured begin with */
export const createMeasure = (prefix: string, sample: readonly string[]): Measure => {
  const pointsBehind = (objectKey: string): readonly number[] =>
    pointsOf(objectKey.slice(prefix.length, prefix.length + 2 * DEPTH))
  const alphabets = alphabetsOf(sample.map(key => pointsBehind(key).slice(0, DEPTH)))
  return {
    before: objectKey => shareBefore(alphabets, pointsBehind(objectKey)),
    textAt: (share, tolerance) => prefix + textBehind(alphabets, share, tolerance),
  }
}
