import { tell } from '../b2/ask.ts'
import { UpstreamRefusal } from '../b2/error.ts'
import { type Fields, needText } from '../b2/fields.ts'
import { originOf } from '../b2/upstream.ts'
import type { Body } from '../body/receive.ts'
import type { UpstreamBody } from '../dialect/to-upstream.ts'
import { composeFilters } from '../s3/body.ts'
import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import { Secret } from '../s3/secret.ts'
import { UNHEARD } from './accounts.ts'
import { Refused } from './error.ts'
import type { Native } from './native.ts'
import type { UploadUrl, UploadUrls } from './pool.ts'
import { SHA1_DIGITS, sha1AtEnd, sha1Of } from './sha1.ts'

/** Bytes of a file or a part at most. https://www.backblaze.com/apidocs/b2-upload-file */
const MOST = 5_000_000_000

/** With how many URLs a body is tried that can be sent again. */
const TRIES = 5

/** Where the bytes go. */
export type UploadPlace =
  | { readonly kind: 'bucket'; readonly bucketId: string }
  | { readonly kind: 'large'; readonly fileId: string }

export interface Uploader {
  /**
   * Uploads a file or a part, with its SHA-1.
   *
   * @throws {UpstreamRefusal} what B2 answers instead
   * @throws {Refused} `EntityTooLarge`
   */
  upload(place: UploadPlace, headers: Headers, body: Body, signal: AbortSignal): Promise<Fields>
}

interface Outgoing {
  readonly sha1: string
  readonly body: UpstreamBody
}

const outgoing = (body: Body): Outgoing => {
  if (body.kind !== 'stream') {
    const bytes = body.kind === 'bytes' ? body.bytes : Buffer.alloc(0)
    return { sha1: sha1Of(bytes), body: { kind: 'bytes', bytes } }
  }
  const { wire, payload } = body
  if (payload.length > MOST)
    throw new Refused(
      400,
      'EntityTooLarge',
      `B2 takes ${MOST} bytes in one piece; upload in parts.`,
    )
  const filter = composeFilters(payload.filter, sha1AtEnd())
  const length = payload.length + SHA1_DIGITS
  return { sha1: 'hex_digits_at_end', body: { kind: 'stream', wire, filter, length } }
}

/** Whether another URL may do better: the pod is busy, gone, or does not know the token any more. */
const isOfUrl = (error: unknown): boolean => {
  if (!(error instanceof UpstreamRefusal))
    return error instanceof S3Error && error.code === 'UpstreamUnavailable'
  const { status } = error.answer
  return status === 401 || status === 408 || status === 429 || status >= 500
}

const placeText = (place: UploadPlace): string =>
  place.kind === 'bucket' ? `bucket/${place.bucketId}` : `large/${place.fileId}`

const askUrl = async (
  native: Native,
  place: UploadPlace,
  now: () => Date,
  signal: AbortSignal,
): Promise<UploadUrl> => {
  const document =
    place.kind === 'bucket'
      ? await native.call('b2_get_upload_url', { bucketId: place.bucketId }, signal)
      : await native.call('b2_get_upload_part_url', { fileId: place.fileId }, signal)
  const url = needText(document, 'uploadUrl')
  return {
    origin: originOf(url, native.upstream),
    target: url.slice(url.indexOf('/', 'https://'.length)),
    token: needText(document, 'authorizationToken'),
    since: now().getTime(),
  }
}

/** Tries again while another URL may do better. */
const withTries = async <T>(tries: number, attempt: () => Promise<T>): Promise<T> => {
  try {
    return await attempt()
  } catch (error) {
    if (tries <= 1 || !isOfUrl(error)) throw error
    return withTries(tries - 1, attempt)
  }
}

const sendTo = async (
  native: Native,
  url: UploadUrl,
  headers: Headers,
  body: UpstreamBody,
  signal: AbortSignal,
): Promise<Fields> => {
  const saying = {
    upstream: native.upstream,
    origin: url.origin,
    method: 'POST',
    target: url.target,
    headers,
    body,
    repeatable: false,
    authorization: new Secret(url.token),
    journal: UNHEARD,
  }
  return (await tell(await native.send(saying, signal))).fields
}

export const createUploader = (native: Native, urls: UploadUrls, now: () => Date): Uploader => ({
  upload: (place, headers, content, signal) => {
    const { sha1, body } = outgoing(content)
    const said = new Map(headers).set('x-bz-content-sha1', sha1)
    const key = placeText(place)
    // What streams is there once, so that the client must send it again; whatever speaks S3 does, after a 503.
    return withTries(body.kind === 'stream' ? 1 : TRIES, async () => {
      const url = urls.take(key) ?? (await askUrl(native, place, now, signal))
      const document = await sendTo(native, url, said, body, signal)
      urls.giveBack(key, url)
      return document
    })
  },
})
