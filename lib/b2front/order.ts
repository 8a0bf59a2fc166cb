/** Whether a name stands before another in a listing: by the bytes of UTF-8, which is not JavaScript's order. */
export const comesBefore = (a: string, b: string): boolean =>
  Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0

/** The last character that XML has. */
const LAST = '\u{10ffff}'

const FIRST_SURROGATE = 0xd800
const AFTER_SURROGATES = 0xe000

const characterBefore = (code: number): string =>
  String.fromCodePoint(code === AFTER_SURROGATES ? FIRST_SURROGATE - 1 : code - 1)

/**
 * A name before another, with next to nothing between the two: S3 begins a listing behind a name, and B2 with it.
 *
 * @param name not empty
 */
export const before = (name: string): string => {
  const last = [...name].at(-1) ?? ''
  const rest = name.slice(0, -last.length)
  const code = last.codePointAt(0) ?? 0
  // What is before a space is a control character, which XML may not have; nothing is lost by beginning earlier.
  return code <= 0x20 ? rest : rest + characterBefore(code) + LAST
}
