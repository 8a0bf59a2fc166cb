import { S3Error } from '../../s3/error.ts'
import { type PayloadMode, parsePayloadMode } from '../../s3/payload-hash.ts'
import type { EmbeddedRequest } from '../request.ts'
import type { ChecksumAlgorithm } from '../store/records.ts'
import { decodeAwsChunked } from './aws-chunked.ts'
import { claimedChecksum, claimedMd5 } from './claims.ts'
import { createInspector, type Digests } from './inspect.ts'

const MAX_BYTES = 5 * 1024 ** 3

/** A request's body, which can be read once. */
export interface OpenBody {
  /** Of the body once decoded. */
  readonly length: number
  /** The checksum algorithm that the client chose. */
  readonly algorithm: ChecksumAlgorithm | undefined
  /** Fails before its end when the body breaks off, or is not what the request's head says. */
  readonly bytes: AsyncIterable<Buffer>
  /** To be asked once the bytes were read. */
  readonly digests: () => Digests
}

/**
 * Opens a request's body: framing taken off, and checked against every digest that came with it.
 *
 * @throws {S3Error} `MissingContentLength`, `EntityTooLarge`, and what is wrong with the digests themselves
 */
export const openBody = async (
  request: EmbeddedRequest,
  wanted: { readonly md5: boolean },
): Promise<OpenBody> => {
  const { headers } = request
  const mode = parsePayloadMode(headers.get('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD')
  const length = lengthOf(request, mode)
  const trailers = new Map<string, string>()
  const checksum = claimedChecksum(headers, trailers)
  const { inspect, digests } = await createInspector({
    ...wanted,
    contentMd5: claimedMd5(headers),
    sha256: mode.kind === 'hash' ? mode.sha256 : undefined,
    checksum,
  })
  const wire = bytesOf(request)
  const decoded = mode.kind === 'aws-chunked' ? decodeAwsChunked(wire, trailers) : wire
  return {
    length,
    algorithm: checksum?.algorithm,
    bytes: inspect(exactly(decoded, length)),
    digests,
  }
}

const lengthOf = ({ headers }: EmbeddedRequest, mode: PayloadMode): number => {
  const name = mode.kind === 'aws-chunked' ? 'x-amz-decoded-content-length' : 'content-length'
  const value = headers.get(name) ?? ''
  if (!/^\d{1,15}$/.test(value)) throw new S3Error('MissingContentLength')
  const length = Number(value)
  if (length > MAX_BYTES) throw new S3Error('EntityTooLarge')
  return length
}

/** The wire stays open when the reader stops early: the client shall get its answer. */
async function* bytesOf({ wire, proceed }: EmbeddedRequest): AsyncGenerator<Buffer, void, void> {
  proceed()
  yield* wire.iterator({ destroyOnReturn: false })
}

async function* exactly(
  bytes: AsyncIterable<Buffer>,
  length: number,
): AsyncGenerator<Buffer, void, void> {
  let left = length
  for await (const chunk of bytes) {
    left -= chunk.length
    if (left < 0) throw new S3Error('IncompleteBody')
    yield chunk
  }
  if (left > 0) throw new S3Error('IncompleteBody')
}
