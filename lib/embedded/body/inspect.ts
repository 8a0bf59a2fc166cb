import { createHash } from 'node:crypto'
import { S3Error } from '../../s3/error.ts'
import type { Checksum, ChecksumAlgorithm } from '../store/records.ts'
import { createHasher } from './checksum.ts'

/** What bytes shall turn out to be, and what shall be told of them. */
export interface Expectations {
  /** Whether their MD5 shall be told. */
  readonly md5: boolean
  /** `Content-MD5`, base64. */
  readonly contentMd5?: string | undefined
  /** Hex. */
  readonly sha256?: string | undefined
  readonly checksum?: ExpectedChecksum | undefined
}

export interface ExpectedChecksum {
  readonly algorithm: ChecksumAlgorithm
  /** Asked for behind the last byte, since a trailer is not known before; undefined when it shall only be told. */
  readonly expected: () => string | undefined
}

/** What bytes turned out to be. */
export interface Digests {
  /** Hex; empty unless it was to be told. */
  readonly md5: string
  readonly checksum: Checksum | undefined
}

export interface Inspector {
  /**
   * Lets bytes pass, and fails behind the last of them when they are not what they shall be.
   *
   * @throws {S3Error} `BadDigest`, `XAmzContentSHA256Mismatch`
   */
  inspect(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void>
  /** To be asked once the bytes have passed. */
  digests(): Digests
}

interface Check {
  update(chunk: Buffer): void
  finish(): Partial<Digests>
}

export const createInspector = async (expectations: Expectations): Promise<Inspector> => {
  const checks = await createChecks(expectations)
  let digests: Digests = { md5: '', checksum: undefined }
  return {
    digests: () => digests,
    inspect: async function* (bytes) {
      for await (const chunk of bytes) {
        for (const check of checks) check.update(chunk)
        yield chunk
      }
      for (const check of checks) digests = { ...digests, ...check.finish() }
    },
  }
}

const createChecks = async (expectations: Expectations): Promise<readonly Check[]> => {
  const { md5, contentMd5, sha256, checksum } = expectations
  return [
    ...(md5 || contentMd5 !== undefined ? [md5Check(contentMd5)] : []),
    ...(sha256 === undefined ? [] : [sha256Check(sha256)]),
    ...(checksum === undefined ? [] : [await checksumCheck(checksum)]),
  ]
}

const md5Check = (expected: string | undefined): Check => {
  const hash = createHash('md5')
  return {
    update: chunk => {
      hash.update(chunk)
    },
    finish: () => {
      const digest = hash.digest()
      const calculated = digest.toString('base64')
      if (expected === undefined || expected === calculated) return { md5: digest.toString('hex') }
      throw new S3Error(
        'BadDigest',
        'The Content-MD5 you specified did not match what we received.',
        { details: { ExpectedDigest: expected, CalculatedDigest: calculated } },
      )
    },
  }
}

const sha256Check = (expected: string): Check => {
  const hash = createHash('sha256')
  return {
    update: chunk => {
      hash.update(chunk)
    },
    finish: () => {
      const calculated = hash.digest('hex')
      if (expected === calculated) return {}
      throw new S3Error('XAmzContentSHA256Mismatch', undefined, {
        details: { ClientComputedContentSHA256: expected, S3ComputedContentSHA256: calculated },
      })
    },
  }
}

const checksumCheck = async ({ algorithm, expected }: ExpectedChecksum): Promise<Check> => {
  const hasher = await createHasher(algorithm)
  return {
    update: chunk => hasher.update(chunk),
    finish: () => {
      const value = hasher.digest().toString('base64')
      if ((expected() ?? value) === value)
        return { checksum: { algorithm, type: 'FULL_OBJECT', value } }
      throw new S3Error(
        'BadDigest',
        `The ${algorithm} you specified did not match the calculated checksum.`,
      )
    },
  }
}
