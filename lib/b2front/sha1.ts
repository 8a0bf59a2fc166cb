import { createHash } from 'node:crypto'
import { holdLastByte } from '../authenticate/body-checks.ts'
import { bodyLength } from '../b2/locate.ts'
import type { B2Request } from '../b2/request.ts'
import { type BodyFilter, composeFilters, type Payload } from '../s3/body.ts'
import { S3Error } from '../s3/error.ts'

/** Hex digits of a SHA-1. */
const DIGITS = 40

const wrong = (): S3Error => new S3Error('BadDigest', 'Sha1 did not match data received')

/** Lets bytes pass, and refuses the end when their SHA-1 is another. */
const checkSha1 = (expected: () => string): BodyFilter => {
  const hash = createHash('sha1')
  return {
    push: bytes => {
      hash.update(bytes)
      return [bytes]
    },
    end: () => {
      if (hash.digest('hex') !== expected()) throw wrong()
      return []
    },
  }
}

/** Takes the digits off that follow the file's bytes. */
const createDigits = (length: number): BodyFilter & { readonly value: () => string } => {
  let left = length
  let digits = ''
  return {
    value: () => digits.toLowerCase(),
    push: bytes => {
      const own = bytes.subarray(0, left)
      left -= own.length
      digits += bytes.subarray(own.length).toString('latin1')
      if (digits.length > DIGITS) throw new S3Error('IncompleteBody')
      return own.length === 0 ? [] : [own]
    },
    end: () => {
      if (digits.length < DIGITS) throw new S3Error('IncompleteBody')
      return []
    },
  }
}

/** What an upload says of its bytes. https://www.backblaze.com/apidocs/b2-upload-file */
export interface Announced {
  readonly payload: Payload
  /** Hex, where it is told before the bytes. */
  readonly sha1: string | undefined
  /** Hex, once the bytes have passed and were those; undefined where nobody told it. */
  readonly verified: () => string | undefined
}

const payloadOf = (length: number, ...filters: readonly BodyFilter[]): Payload => ({
  length,
  hash: 'UNSIGNED-PAYLOAD',
  filter: [...filters, holdLastByte(length)].reduce<BodyFilter | undefined>(
    composeFilters,
    undefined,
  ),
  trailer: undefined,
})

/**
 * Reads how an upload's bytes are guarded: by a SHA-1 in the head, by one behind them, or not.
 *
 * @throws {S3Error} `InvalidRequest`, `MissingContentLength`
 */
export const announced = (request: B2Request): Announced => {
  const said = request.headers.get('x-bz-content-sha1') ?? ''
  if (!request.headers.has('content-length')) throw new S3Error('MissingContentLength')
  const length = bodyLength(request)
  if (said === 'do_not_verify' || said.startsWith('unverified:'))
    return { payload: payloadOf(length), sha1: undefined, verified: () => undefined }
  if (/^[0-9a-f]{40}$/i.test(said)) {
    const sha1 = said.toLowerCase()
    return {
      payload: payloadOf(
        length,
        checkSha1(() => sha1),
      ),
      sha1,
      verified: () => sha1,
    }
  }
  if (said !== 'hex_digits_at_end' || length < DIGITS) {
    throw new S3Error('InvalidRequest', 'Header X-Bz-Content-Sha1 is missing or malformed.')
  }
  const { value, ...digits } = createDigits(length - DIGITS)
  const payload = payloadOf(length - DIGITS, digits, checkSha1(value))
  return { payload, sha1: undefined, verified: value }
}
