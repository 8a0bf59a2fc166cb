import { validateHeaderName, validateHeaderValue } from 'node:http'
import { UsageError } from './io.ts'

/**
 * Parses what `--header` was given.
 *
 * @throws {UsageError}
 */
export const parseHeaderLine = (line: string): readonly [name: string, value: string] => {
  const [, name = '', value = ''] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? []
  const binary = Buffer.from(value).toString('latin1')
  try {
    validateHeaderName(name)
    validateHeaderValue(name, binary)
  } catch {
    throw new UsageError(
      "--header wants a name and a value: --header 'x-amz-copy-source: bucket/key'.",
    )
  }
  return [name.toLowerCase(), binary]
}
