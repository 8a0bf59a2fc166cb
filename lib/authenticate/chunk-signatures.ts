import { createHash, hash, type KeyObject } from 'node:crypto'
import { S3Error } from '../s3/error.ts'
import { EMPTY_SHA256 } from '../s3/payload-hash.ts'
import { type CredentialScope, scopeText } from '../sigv4/scope.ts'
import { signatureOf } from '../sigv4/signature.ts'
import { equalSignatures } from './verify.ts'

/** What the signatures of a body's chunks hang on: the verified signature of its head. */
export interface ChunkSeal {
  readonly key: KeyObject
  readonly date: string
  readonly scope: CredentialScope
  /** The head's signature. */
  readonly seed: string
}

/** The chain of signatures over a body's chunks and trailer, each signing the one before. */
export interface ChunkSignatures {
  /** Bytes of the chunk that is open. */
  update(bytes: Buffer): void
  /** @throws {S3Error} `SignatureDoesNotMatch` */
  closeChunk(signature: string): void
  /** @param text lines `name:value\n` */
  checkTrailer(text: string, signature: string): void
}

/**
 * Verifies aws-chunked signatures in one pass, without holding a chunk.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
export const createChunkSignatures = ({ key, date, scope, seed }: ChunkSeal): ChunkSignatures => {
  let previous = seed
  let content = createHash('sha256')
  const check = (signature: string, algorithm: string, ...hashes: readonly string[]): void => {
    const text = [algorithm, date, scopeText(scope), previous, ...hashes].join('\n')
    previous = signatureOf(key, text)
    if (!equalSignatures(previous, signature)) throw new S3Error('SignatureDoesNotMatch')
  }
  return {
    update: bytes => void content.update(bytes),
    closeChunk: signature => {
      check(signature, 'AWS4-HMAC-SHA256-PAYLOAD', EMPTY_SHA256, content.digest('hex'))
      content = createHash('sha256')
    },
    checkTrailer: (text, signature) =>
      check(signature, 'AWS4-HMAC-SHA256-TRAILER', hash('sha256', text, 'hex')),
  }
}
