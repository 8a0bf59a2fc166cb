import type { Readable } from 'node:stream'
import type { Headers } from '../s3/headers.ts'
import type { SignedRequest } from '../sign/sign.ts'

/** The head of a provider's answer, and its body as it comes. */
export interface UpstreamAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readable
}

/** How requests reach providers. The narrow door: whatever moves the bytes stands behind it. */
export interface Transport {
  /**
   * Sends a request and gives the head of its answer.
   *
   * Whoever gets the answer reads its body to the end or destroys it. When the request's own body is refused on the
   * way (a wrong hash, say), the connection is cut before the last byte, and the refusal is what is thrown.
   *
   * @throws {S3Error} the refusal of the body, `UpstreamUnavailable`, `UpstreamTimeout`
   */
  send(request: SignedRequest, signal: AbortSignal): Promise<UpstreamAnswer>
  close(): Promise<void>
}
