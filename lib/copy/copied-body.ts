import { type ChecksumAlgorithm, checksumAlgorithm, isChecksum } from '../authenticate/checksum.ts'
import type { Body } from '../body/receive.ts'
import type { Payload } from '../s3/body.ts'
import type { Headers } from '../s3/headers.ts'
import type { EnforcedRequest } from '../ssec/enforce.ts'
import type { Source } from './source.ts'

/** The checksum algorithm that the copy's object shall have; undefined when it is the source's or the provider's choice. */
const askedAlgorithm = ({ headers }: EnforcedRequest): ChecksumAlgorithm | undefined =>
  checksumAlgorithm(`x-amz-checksum-${headers.get('x-amz-checksum-algorithm')?.toLowerCase()}`)

/**
 * The source's own checksum, when it has one that the copy's object shall have, too: with it the provider verifies that
 * every byte came over.
 */
export const keptChecksum = (copy: EnforcedRequest, source: Source): Headers => {
  const asked = askedAlgorithm(copy)
  const isKept = ([name, value]: readonly [string, string]): boolean => {
    const algorithm = checksumAlgorithm(name)
    // A multipart upload's is a checksum of checksums, with the number of parts behind it.
    return (
      algorithm !== undefined && isChecksum(algorithm, value) && (asked ?? algorithm) === algorithm
    )
  }
  return new Map([...source.headers].filter(isKept))
}

/** Computes as the bytes flow what is sent behind them, to providers that take it there. */
const computed = ({ header, create }: ChecksumAlgorithm): Pick<Payload, 'filter' | 'trailer'> => {
  const checksum = create()
  return {
    filter: {
      push: bytes => {
        checksum.update(bytes)
        return [bytes]
      },
      end: () => [],
    },
    trailer: { name: header, value: () => checksum.digest() },
  }
}

const UNCHECKED = { filter: undefined, trailer: undefined }

/** The source's bytes as the body of a write, with the checksum that was asked for unless its head has one. */
export const copiedBody = (
  copy: EnforcedRequest,
  { wire, length }: Source,
  inHead: Headers,
): Body => {
  const algorithm = inHead.size === 0 ? askedAlgorithm(copy) : undefined
  const check = algorithm === undefined ? UNCHECKED : computed(algorithm)
  return length === 0
    ? { kind: 'bytes', bytes: Buffer.alloc(0), trailer: check.trailer }
    : { kind: 'stream', wire, payload: { length, hash: 'UNSIGNED-PAYLOAD', ...check } }
}
