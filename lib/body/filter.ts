import type { Readable } from 'node:stream'
import type { BodyFilter } from '../s3/body.ts'

/**
 * The wire's bytes through a filter.
 *
 * A refusal, or a reader that stops early, leaves the wire open: the client must still get its answer.
 */
export async function* filtered(
  wire: Readable,
  filter: BodyFilter | undefined,
): AsyncGenerator<Buffer, void, void> {
  for await (const chunk of wire.iterator({ destroyOnReturn: false })) {
    if (filter === undefined) yield chunk
    else yield* filter.push(chunk)
  }
  if (filter !== undefined) yield* filter.end()
}
