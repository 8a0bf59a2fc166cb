import { S3Error } from '../../s3/error.ts'

const MAX_LINE = 4096

/**
 * Takes aws-chunked off a body. Chunk signatures are not looked at.
 *
 * @param trailers where the headers behind the last chunk are put, names in lower case
 * @throws {S3Error} `IncompleteBody` when it breaks off or is framed wrongly
 */
export async function* decodeAwsChunked(
  bytes: AsyncIterable<Buffer>,
  trailers: Map<string, string>,
): AsyncGenerator<Buffer, void, void> {
  const reader = new Reader(bytes)
  for (let size = await chunkSize(reader); size > 0; size = await chunkSize(reader)) {
    yield* reader.take(size)
    if ((await reader.line()) !== '') throw new S3Error('IncompleteBody')
  }
  for (let line = await reader.line(); line; line = await reader.line()) {
    const [name = '', value = ''] = line.split(/:(.*)/s)
    trailers.set(name.trim().toLowerCase(), value.trim())
  }
}

/** Of a line `hex`, or `hex;chunk-signature=…`. */
const chunkSize = async (reader: Reader): Promise<number> => {
  const head = /^([0-9a-fA-F]{1,10})(?:;.*)?$/.exec((await reader.line()) ?? '')
  if (head?.[1] === undefined) throw new S3Error('IncompleteBody')
  return Number.parseInt(head[1], 16)
}

/** Lines and counted bytes of one stream. */
class Reader {
  readonly #bytes: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)
  constructor(bytes: AsyncIterable<Buffer>) {
    this.#bytes = bytes[Symbol.asyncIterator]()
  }

  /** The next line without its end; what is there when the stream ends; undefined at its end. */
  async line(): Promise<string | undefined> {
    while (!this.#rest.includes('\n')) {
      if (this.#rest.length > MAX_LINE) throw new S3Error('IncompleteBody')
      const more = await this.#bytes.next()
      if (more.done) return this.#lastLine()
      this.#rest = Buffer.concat([this.#rest, more.value])
    }
    const end = this.#rest.indexOf('\n')
    return this.#cut(end + 1)
      .toString('latin1', 0, end)
      .replace(/\r$/, '')
  }

  #lastLine(): string | undefined {
    const line = this.#cut(this.#rest.length)
    return line.length === 0 ? undefined : line.toString('latin1')
  }

  async *take(size: number): AsyncGenerator<Buffer, void, void> {
    for (let left = size; left > 0; ) {
      if (this.#rest.length === 0) {
        const more = await this.#bytes.next()
        if (more.done) throw new S3Error('IncompleteBody')
        this.#rest = more.value
      }
      const taken = this.#cut(left)
      left -= taken.length
      yield taken
    }
  }

  #cut(size: number): Buffer {
    const cut = this.#rest.subarray(0, size)
    this.#rest = this.#rest.subarray(size)
    return cut
  }
}
