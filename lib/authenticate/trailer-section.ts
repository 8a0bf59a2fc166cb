import { S3Error } from '../s3/error.ts'
import type { ChunkSignatures } from './chunk-signatures.ts'
import { malformedBody } from './lines.ts'

/** What a body's head says of its trailer section. */
export interface TrailerRules {
  readonly allowed: boolean
  /** The trailer that `x-amz-trailer` announced, in lower case. */
  readonly announced: string | undefined
}

const SIGNATURE = 'x-amz-trailer-signature'

/** The lines between the last chunk and the end of an aws-chunked body. */
export class TrailerSection {
  readonly #rules: TrailerRules
  readonly #signatures: ChunkSignatures | undefined
  readonly #fields = new Map<string, string>()

  constructor(rules: TrailerRules, signatures: ChunkSignatures | undefined) {
    this.#rules = rules
    this.#signatures = signatures
  }

  /** The announced trailer's value, once the section has ended. */
  value(): string {
    return this.#fields.get(this.#rules.announced ?? '') ?? ''
  }

  /** @throws {S3Error} `MalformedTrailerError` */
  take(line: string): void {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    if (!this.#expected().includes(name) || this.#fields.has(name)) throw malformedTrailer()
    this.#fields.set(name, line.slice(colon + 1).trim())
  }

  /** @throws {S3Error} `MalformedTrailerError` when a trailer is missing, `SignatureDoesNotMatch` */
  end(): void {
    const expected = this.#expected()
    if (!expected.every(name => this.#fields.has(name))) throw malformedTrailer()
    const signature = this.#fields.get(SIGNATURE)
    if (signature === undefined) return
    const trailers = expected.filter(name => name !== SIGNATURE)
    const text = trailers.map(name => `${name}:${this.#fields.get(name)}\n`).join('')
    this.#signatures?.checkTrailer(text, signature)
  }

  /**
   * Ends the section where the body ends: some clients leave out the last line ends, as MinIO knows, too.
   *
   * @throws {S3Error} `IncompleteBody` when no trailer was announced, and as `end` does
   */
  endWithout(partial: string): void {
    if (this.#rules.announced === undefined) throw malformedBody()
    const line = partial.replace(/\r$/, '')
    if (line !== '') this.take(line)
    this.end()
  }

  #expected(): readonly string[] {
    const { allowed, announced } = this.#rules
    if (!allowed) return []
    const names = announced === undefined ? [] : [announced]
    return this.#signatures === undefined ? names : [...names, SIGNATURE]
  }
}

const malformedTrailer = (): S3Error => new S3Error('MalformedTrailerError')
