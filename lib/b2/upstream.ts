import { discard, settleErrors } from '../response/document.ts'
import { S3Error } from '../s3/error.ts'
import { type Headers, withHeaders, withoutHeaders, withoutHopByHop } from '../s3/headers.ts'
import type { Journal } from '../s3/journal.ts'
import type { S3Response } from '../s3/response.ts'
import type { Secret } from '../s3/secret.ts'
import { bodyLength, type SignedRequest } from '../sign/sign.ts'
import type { Transport } from '../transport/transport.ts'
import type { Upstream } from '../transport/upstream.ts'

/** A request as B2 will get it. */
export interface B2Saying {
  readonly upstream: Upstream
  /** Scheme, host and port: B2 has one for the realm, one for calls, one for downloads, and one for each pod. */
  readonly origin: string
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers: Headers
  readonly body: SignedRequest['body']
  readonly repeatable: boolean
  /** Value of the Authorization header. */
  readonly authorization: Secret<string>
  readonly journal: Journal
}

/** Sends a request to B2; an error's document has been read when it answers. */
export type SendB2 = (saying: B2Saying, signal: AbortSignal) => Promise<S3Response>

const OWN_TO_THE_HOP = new Set(['host', 'content-length', 'expect', 'authorization', 'cookie'])
const isOfTheHop = (name: string): boolean =>
  OWN_TO_THE_HOP.has(name) || name.startsWith('x-forwarded-') || name === 'forwarded'

/** A client's headers, less those that end at us. */
export const passable = (headers: Headers): Headers =>
  withoutHeaders(withoutHopByHop(headers), isOfTheHop)

/**
 * Makes sure that a URL of the provider's is one to send keys to.
 *
 * @throws {S3Error} `UpstreamUnavailable` when a realm reached by https names a host to be reached in clear
 */
export const originOf = (url: string, { endpoint }: Upstream): string => {
  const found = URL.canParse(url) ? new URL(url) : undefined
  const isSafe = found?.protocol === 'https:' || endpoint.startsWith('http:')
  if (found === undefined || !isSafe) {
    const cause = new Error('the realm named a URL that is none, or not https')
    throw new S3Error('UpstreamUnavailable', undefined, { cause })
  }
  return found.origin
}

// B2 signs nothing: the token in the Authorization header is all that vouches for a request, so this is its seal.
const settle = (saying: B2Saying): SignedRequest => {
  const { upstream, origin, method, target, body, repeatable } = saying
  const headers = withHeaders(saying.headers, [
    ['host', new URL(origin).host],
    ...bodyLength(body),
    ['authorization', saying.authorization.expose()],
  ])
  return {
    upstream: { ...upstream, endpoint: origin },
    method,
    target,
    headers,
    body,
    repeatable,
  } as SignedRequest
}

/** @param transport one that reaches whatever origin a request's upstream names */
export const createSendB2 =
  (transport: Transport): SendB2 =>
  async (saying, signal) => {
    const started = performance.now()
    try {
      const answer = await settleErrors(await transport.send(settle(saying), signal))
      saying.journal.note({ upstreamStatus: answer.status })
      return answer
    } finally {
      const upstreamMs = Math.round(performance.now() - started)
      saying.journal.note({ upstream: saying.upstream.name, upstreamMs })
    }
  }

/** An answer that redirects is not followed, nor given on: it would have the client go around the proxy. */
export const refuseRedirect = (answer: S3Response): S3Response => {
  if (answer.status < 300 || answer.status === 304 || answer.status >= 400) return answer
  discard(answer)
  throw new S3Error('UpstreamRedirect')
}
