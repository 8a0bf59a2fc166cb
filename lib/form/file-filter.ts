import type { BodyFilter } from '../s3/body.ts'
import { readContent } from './delimiter.ts'
import { malformedForm } from './form.ts'

const NOTHING = Buffer.alloc(0)

const misplacedFile = () =>
  malformedForm(
    'The file field must be the last one of the form, and the form must end with its boundary, two hyphens and a line end. Give a submit button behind it no name.',
  )

/**
 * Lets a file's bytes pass, and drops what stands behind them.
 *
 * The upstream was promised `length` bytes before the form's end was seen. A file of another length is refused; with
 * the last byte held back behind this filter, the upstream then has not got all that it was promised.
 */
export const fileFilter = (delimiter: Buffer, length: number): BodyFilter => {
  let held = NOTHING
  let seen = 0
  let hasEnded = false
  const take = (bytes: Buffer): Buffer => {
    const content = readContent(bytes, delimiter)
    hasEnded = content.next !== undefined
    seen += content.length
    if (seen > length || (hasEnded && seen < length)) throw misplacedFile()
    // A copy: the memory of `bytes` may be used again once they are sent.
    held = hasEnded ? NOTHING : Buffer.from(bytes.subarray(content.length))
    return bytes.subarray(0, content.length)
  }
  return {
    push: chunk => {
      if (hasEnded) return []
      const file = take(held.length === 0 ? chunk : Buffer.concat([held, chunk]))
      return file.length === 0 ? [] : [file]
    },
    end: () => {
      if (!hasEnded) throw malformedForm()
      return []
    },
  }
}
