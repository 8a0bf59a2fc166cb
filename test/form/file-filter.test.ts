import fc from 'fast-check'
import t from 'tap'
import { delimiterOf } from '../../lib/form/delimiter.ts'
import { fileFilter } from '../../lib/form/file-filter.ts'
import { cut, fractions, oneByOne } from '../support/chunks.ts'

const DELIMITER = delimiterOf('multipart/form-data; boundary=X')

/** What a filter makes of chunks, and how many bytes it held back at most. */
const pass = (length: number, chunks: readonly Buffer[]): readonly [string, number] => {
  const filter = fileFilter(DELIMITER, length)
  const passed: Buffer[] = []
  let held = 0
  let most = 0
  for (const chunk of chunks) {
    const out = [...filter.push(chunk)].map(bytes => Buffer.from(bytes))
    passed.push(...out)
    held += chunk.length - Buffer.concat(out).length
    most = Math.max(most, held)
  }
  return [Buffer.concat(passed).toString('latin1'), most]
}

/** Files that keep beginning to end. */
const file = fc
  .array(fc.constantFrom('\r', '\n', '\r\n', '--', '\r\n-', '\r\n--', '\r\n--X', 'X', 'a'), {
    maxLength: 40,
  })
  .map(pieces => pieces.join(''))
  .filter(text => !/\r\n--X(?:--|\r\n)/.test(`${text}\r\n--Y`))

t.test('no more of a file is held back than what may be its end, however it is cut', async () => {
  const isBounded = (text: string, chunks: readonly Buffer[]): boolean => {
    // As if much were to come: nothing is refused for its length.
    const [passed, most] = pass(text.length + 100, chunks)
    const isAtMostADelimiter = Math.max(most, text.length - passed.length) <= DELIMITER.length + 1
    return text.startsWith(passed) && isAtMostADelimiter
  }
  fc.assert(
    fc.property(file, fractions, (text, places) => {
      const bytes = Buffer.from(text)
      return [[bytes], cut(bytes, places), oneByOne(bytes)].every(each => isBounded(text, each))
    }),
    { numRuns: 500 },
  )
})
