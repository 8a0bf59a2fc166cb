import { createHash } from 'node:crypto'
import { createCRC32, createCRC64 } from 'hash-wasm'
import type {
  Checksum,
  ChecksumAlgorithm,
  ChecksumKind,
  ChecksumType,
  Part,
} from '../store/records.ts'
import { type CrcShape, combineCrc, type Piece } from './combine-crc.ts'

/** Makes a checksum of bytes as they flow. */
export interface Hasher {
  update(chunk: Buffer): void
  digest(): Buffer
}

const CRC32C = 0x82f63b78
const CRC64_NVME = '9a6c9329ac4bc9b5'

/** The CRCs, which can be told of an object from those of its parts. */
const CRC_SHAPES: Readonly<Partial<Record<ChecksumAlgorithm, CrcShape>>> = {
  CRC32: { bits: 32, polynomial: 0xedb88320n },
  CRC32C: { bits: 32, polynomial: BigInt(CRC32C) },
  CRC64NVME: { bits: 64, polynomial: BigInt(`0x${CRC64_NVME}`) },
}

export const createHasher = async (algorithm: ChecksumAlgorithm): Promise<Hasher> => {
  switch (algorithm) {
    case 'CRC32':
      return wasmHasher(await createCRC32())
    case 'CRC32C':
      return wasmHasher(await createCRC32(CRC32C))
    case 'CRC64NVME':
      return wasmHasher(await createCRC64(CRC64_NVME))
    case 'SHA1':
      return createHash('sha1')
    case 'SHA256':
      return createHash('sha256')
  }
}

const wasmHasher = (hasher: Awaited<ReturnType<typeof createCRC32>>): Hasher => ({
  update: chunk => {
    hasher.update(chunk)
  },
  digest: () => Buffer.from(hasher.digest('binary')),
})

/** What an upload with that algorithm has when it does not say. */
export const defaultType = (algorithm: ChecksumAlgorithm): ChecksumType =>
  algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE'

/** Whether S3 can tell that checksum of an object uploaded in parts. */
export const isPossible = ({ algorithm, type }: ChecksumKind): boolean =>
  type === 'COMPOSITE' ? algorithm !== 'CRC64NVME' : algorithm in CRC_SHAPES

/**
 * Tells the checksum of an object uploaded in parts: the checksum of the parts' checksums, or the one that all bytes
 * together have. https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
export const createPartsChecksum = async (
  kind: ChecksumKind,
): Promise<(parts: readonly Part[]) => Checksum> => {
  const shape = CRC_SHAPES[kind.algorithm]
  if (kind.type === 'FULL_OBJECT' && shape !== undefined) {
    return parts => ({ ...kind, value: combineCrc(shape, parts.map(toPiece)).toString('base64') })
  }
  const hasher = await createHasher(kind.algorithm)
  return parts => {
    for (const part of parts) hasher.update(toPiece(part).digest)
    return { ...kind, value: `${hasher.digest().toString('base64')}-${parts.length}` }
  }
}

const toPiece = ({ checksum, segment }: Part): Piece => ({
  digest: Buffer.from(checksum?.value ?? '', 'base64'),
  length: segment.length,
})

export const checksumHeader = (algorithm: ChecksumAlgorithm): string =>
  `x-amz-checksum-${algorithm.toLowerCase()}`

/** The two headers that tell a checksum. */
export const checksumHeaders = (
  checksum: Checksum | undefined,
): readonly (readonly [name: string, value: string])[] =>
  checksum === undefined
    ? []
    : [
        [checksumHeader(checksum.algorithm), checksum.value],
        ['x-amz-checksum-type', checksum.type],
      ]
