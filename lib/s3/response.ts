import type { Readable } from 'node:stream'
import type { Headers } from './headers.ts'

/** An answer whose body is a stream, a small document, or nothing. */
export interface S3Response {
  readonly status: number
  readonly headers: Headers
  readonly body: Readable | Buffer | undefined
}
