import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { createCRC32, createCRC64, type IHasher } from 'hash-wasm'

/** A checksum over bytes as they flow. */
export interface Checksum {
  update(bytes: Buffer): void
  /** Base64, as S3 writes checksums; to be called once. */
  digest(): string
}

/** One of S3's checksum algorithms. */
export interface ChecksumAlgorithm {
  /** Its header or trailer, such as `x-amz-checksum-crc32`. */
  readonly header: string
  /** What S3's errors call it. */
  readonly label: string
  /** Bytes of a checksum. */
  readonly size: number
  readonly create: () => Checksum
}

const hashed = (algorithm: string) => (): Checksum => {
  const hash = createHash(algorithm)
  return { update: bytes => void hash.update(bytes), digest: () => hash.digest('base64') }
}

const createCrc32 = (): Checksum => {
  let crc = 0
  return {
    update: bytes => {
      crc = crc32(bytes, crc)
    },
    digest: () => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(crc)
      return bytes.toString('base64')
    },
  }
}

/**
 * Many checksums on one WASM instance, for it takes a promise to make one: the instance's few bytes of state are
 * put in before each turn and taken out after it, and a turn is never interrupted.
 */
const shared = (hasher: IHasher) => {
  const initial = hasher.init().save()
  return (): Checksum => {
    let state = initial
    return {
      update: bytes => {
        state = hasher.load(state).update(bytes).save()
      },
      digest: () => Buffer.from(hasher.load(state).digest('binary')).toString('base64'),
    }
  }
}

/** Castagnoli's polynomial, reflected. */
const CRC32C = 0x82f63b78
/** The NVMe specification's polynomial, reflected. */
const CRC64NVME = '9a6c9329ac4bc9b5'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html */
const ALGORITHMS: readonly ChecksumAlgorithm[] = [
  { header: 'x-amz-checksum-crc32', label: 'CRC32', size: 4, create: createCrc32 },
  {
    header: 'x-amz-checksum-crc32c',
    label: 'CRC32C',
    size: 4,
    create: shared(await createCRC32(CRC32C)),
  },
  {
    header: 'x-amz-checksum-crc64nvme',
    label: 'CRC64NVME',
    size: 8,
    create: shared(await createCRC64(CRC64NVME)),
  },
  { header: 'x-amz-checksum-sha1', label: 'SHA1', size: 20, create: hashed('sha1') },
  { header: 'x-amz-checksum-sha256', label: 'SHA256', size: 32, create: hashed('sha256') },
]

const BY_HEADER = new Map(ALGORITHMS.map(algorithm => [algorithm.header, algorithm]))

/** The algorithm of a header or trailer name, in lower case. */
export const checksumAlgorithm = (header: string): ChecksumAlgorithm | undefined =>
  BY_HEADER.get(header)

/** Whether `text` is base64 of as many bytes as the algorithm gives. */
export const isChecksum = ({ size }: ChecksumAlgorithm, text: string): boolean => {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === size && bytes.toString('base64') === text
}
