import type { BodyFilter } from '../s3/body.ts'
import { S3Error } from '../s3/error.ts'
import type { ChunkSignatures } from './chunk-signatures.ts'
import { Lines, malformedBody } from './lines.ts'
import type { TrailerSection } from './trailer-section.ts'

/** All but the last chunk of a signed body are at least this long. */
const MIN_CHUNK = 8192

/** What the next bytes are: a chunk's head, its data, the line end behind them, the trailer section, or too many. */
type Part = 'head' | 'data' | 'gap' | 'trailer' | 'excess'

interface ChunkHead {
  readonly size: number
  readonly signature: string
}

/**
 * Takes the framing off an aws-chunked body, verifying each chunk's signature as its bytes flow.
 *
 * A chunk's data goes on before its signature is checked, so that a filter behind must hold back the body's end.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export class ChunkDecoder implements BodyFilter {
  readonly #signatures: ChunkSignatures | undefined
  readonly #trailers: TrailerSection
  readonly #lines = new Lines()
  #part: Part = 'head'
  /** Bytes of the chunk that is open, or was the last to be; none before the first. */
  #size: number | undefined
  #signature = ''
  /** Bytes of the open chunk that have not come yet. */
  #left = 0

  /** @param signatures none for unsigned chunks */
  constructor(signatures: ChunkSignatures | undefined, trailers: TrailerSection) {
    this.#signatures = signatures
    this.#trailers = trailers
  }

  push(bytes: Buffer): readonly Buffer[] {
    const pieces: Buffer[] = []
    let rest = bytes
    while (rest.length > 0) {
      if (this.#part === 'data') {
        const data = this.#takeData(rest)
        pieces.push(data)
        rest = rest.subarray(data.length)
      } else {
        rest = this.#takeLine(rest)
      }
    }
    return pieces
  }

  end(): readonly Buffer[] {
    if (this.#part === 'trailer') this.#trailers.endWithout(this.#lines.partial)
    else if (this.#part !== 'excess' || this.#lines.partial !== '') throw malformedBody()
    return []
  }

  #takeData(bytes: Buffer): Buffer {
    const data = bytes.subarray(0, this.#left)
    this.#signatures?.update(data)
    this.#left -= data.length
    if (this.#left === 0) this.#closeChunk('gap')
    return data
  }

  #takeLine(bytes: Buffer): Buffer {
    const { line, rest } = this.#lines.read(bytes)
    if (line !== undefined) this.#readLine(line)
    return rest
  }

  #readLine(line: string): void {
    if (this.#part === 'head') this.#openChunk(line)
    else if (this.#part === 'trailer') this.#readTrailer(line)
    else if (this.#part === 'gap' && line === '') this.#part = 'head'
    else throw malformedBody()
  }

  #openChunk(line: string): void {
    const head = this.#signatures === undefined ? UNSIGNED_HEAD : SIGNED_HEAD
    const { size, signature } = parseHead(line, head)
    if (this.#signatures !== undefined) checkOrder(this.#size, size)
    this.#size = size
    this.#signature = signature
    this.#left = size
    if (size > 0) this.#part = 'data'
    else this.#closeChunk('trailer')
  }

  #closeChunk(next: Part): void {
    this.#signatures?.closeChunk(this.#signature)
    this.#part = next
  }

  #readTrailer(line: string): void {
    if (line !== '') {
      this.#trailers.take(line)
    } else {
      this.#trailers.end()
      this.#part = 'excess'
    }
  }
}

const UNSIGNED_HEAD = /^([0-9a-fA-F]{1,16})$/
const SIGNED_HEAD = /^([0-9a-fA-F]{1,16});chunk-signature=([0-9a-f]{64})$/

const parseHead = (line: string, pattern: RegExp): ChunkHead => {
  const [, digits = '', signature = ''] = pattern.exec(line) ?? []
  const size = Number.parseInt(digits, 16)
  if (!Number.isSafeInteger(size)) throw malformedBody()
  return { size, signature }
}

const checkOrder = (before: number | undefined, size: number): void => {
  if (before === undefined || size === 0 || before >= MIN_CHUNK) return
  throw new S3Error('InvalidChunkSizeError')
}
