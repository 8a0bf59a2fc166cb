import { type BodyReader, DirectBody } from '../../s3/body.ts'

/** Bytes that are kept of a body which is read as a stream, or not yet. */
const KEPT = 64 * 1024

/** The connection that a body comes from. */
export interface BodySource {
  readonly isTls: boolean
  /** Whether it reads into buffers of ours. */
  readonly isDirect: boolean
  /** Reads on, if reading was stopped. */
  resume(): void
  /** The rest of the body is not wanted: the connection is of no more use. */
  cut(): void
}

/** The body of one request. Read as a stream it copies; diverted, its bytes stay where they were read to. */
export class ClientBody extends DirectBody {
  readonly isTls: boolean
  readonly #source: BodySource
  #reader: BodyReader | undefined
  #hasRoom = true
  #isComplete = false
  #isBroken = false

  constructor(source: BodySource) {
    super({ highWaterMark: KEPT })
    this.isTls = source.isTls
    this.#source = source
    // It may break while nobody looks at it.
    this.on('error', () => undefined)
  }

  /** Whether its last byte has come. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  get isDirect(): boolean {
    return this.#source.isDirect && !this.#isComplete && !this.destroyed
  }

  divert(reader: BodyReader | undefined): void {
    this.#reader = reader
    this.#source.resume()
  }

  readOn(): void {
    this.#source.resume()
  }

  /** Where the connection shall read to; undefined when that is its own affair. */
  buffer(): Buffer | undefined {
    return this.#reader?.buffer()
  }

  receive(bytes: Buffer): void {
    if (this.#reader !== undefined) this.#reader.receive(bytes)
    else if (!this.destroyed)
      this.#hasRoom = this.push(this.#source.isDirect ? Buffer.from(bytes) : bytes)
  }

  /** @returns whether there is room for another read */
  endOfRead(): boolean {
    return this.#reader === undefined ? this.#hasRoom : this.#reader.endOfRead()
  }

  finish(): void {
    this.#isComplete = true
    if (this.#reader !== undefined) this.#reader.end()
    else if (!this.destroyed) this.push(null)
  }

  /** The rest will not come, or is not to be understood. */
  breakOff(cause: Error): void {
    if (this.#isComplete) return
    this.#isBroken = true
    this.destroy(cause)
  }

  override _read(): void {
    this.#hasRoom = true
    this.#source.resume()
  }

  override _destroy(cause: Error | null, done: (cause?: Error | null) => void): void {
    if (!this.#isComplete && !this.#isBroken) this.#source.cut()
    done(cause)
  }
}
