import { createHash } from 'node:crypto'
import type { BodyFilter } from '../s3/body.ts'
import { S3Error } from '../s3/error.ts'
import { type ChecksumAlgorithm, isChecksum } from './checksum.ts'

/** Lets bytes pass, and refuses the end when they were not those of a payload hash. */
export const checkSha256 = (sha256: string): BodyFilter => {
  const hash = createHash('sha256')
  return {
    push: bytes => {
      hash.update(bytes)
      return [bytes]
    },
    end: () => {
      if (hash.digest('hex') !== sha256) throw new S3Error('XAmzContentSHA256Mismatch')
      return []
    },
  }
}

/**
 * Lets bytes pass, and refuses the end when they do not have the checksum that was sent with them.
 *
 * @param expected asked for at the end: a trailer is not known before
 */
export const checkChecksum = (algorithm: ChecksumAlgorithm, expected: () => string): BodyFilter => {
  const checksum = algorithm.create()
  return {
    push: bytes => {
      checksum.update(bytes)
      return [bytes]
    },
    end: () => {
      const value = expected()
      if (!isChecksum(algorithm, value)) throw invalidChecksum(algorithm)
      if (checksum.digest() !== value) throw badDigest(algorithm)
      return []
    },
  }
}

/** The error for a checksum that no body can have. */
export const invalidChecksum = ({ header }: ChecksumAlgorithm): S3Error =>
  new S3Error('InvalidRequest', `Value for ${header} header is invalid.`)

const badDigest = ({ label }: ChecksumAlgorithm): S3Error =>
  new S3Error('BadDigest', `The ${label} you specified did not match the calculated checksum.`)

/**
 * Demands `length` bytes, and holds the last of them back until the end: standing behind the checks, it lets go of
 * it when they all agree.
 */
export const holdLastByte = (length: number): BodyFilter => {
  let seen = 0
  let held: readonly Buffer[] = []
  return {
    push: bytes => {
      seen += bytes.length
      if (seen > length) throw new S3Error('IncompleteBody')
      if (bytes.length === 0 || seen < length) return [bytes]
      // A copy: the memory of `bytes` may be used again once they are sent.
      held = [Buffer.from(bytes.subarray(-1))]
      return [bytes.subarray(0, -1)]
    },
    end: () => {
      if (seen < length) throw new S3Error('IncompleteBody')
      return held
    },
  }
}
