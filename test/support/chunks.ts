import fc from 'fast-check'
import type { BodyFilter } from '../../lib/s3/body.ts'

/** Cuts `bytes` at these fractions of its length. */
export const cut = (bytes: Buffer, fractions: readonly number[]): readonly Buffer[] => {
  const places = fractions.map(each => Math.floor(each * bytes.length)).sort((a, b) => a - b)
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length))
}

/** One chunk per byte. */
export const oneByOne = (bytes: Buffer): readonly Buffer[] =>
  [...bytes].map(byte => Buffer.from([byte]))

/** Where to cut: for `cut`. */
export const fractions: fc.Arbitrary<readonly number[]> = fc.array(
  fc.double({ min: 0, max: 1, noNaN: true }),
  { maxLength: 12 },
)

/** What a filter makes of these chunks. */
export const through = (filter: BodyFilter, chunks: readonly Buffer[]): string =>
  Buffer.concat([...chunks.flatMap(chunk => filter.push(chunk)), ...filter.end()]).toString()

/** The same, or the name of what it threw. */
export const outcome = (filter: BodyFilter, chunks: readonly Buffer[]): string => {
  try {
    return through(filter, chunks)
  } catch (error) {
    return error instanceof Error ? error.name : String(error)
  }
}
