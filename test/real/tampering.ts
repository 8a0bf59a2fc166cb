import {
  BYTES,
  crc32Of,
  crc32Trailer,
  flipByte,
  md5Of,
  toChunks,
  type Uploader,
} from './uploads.ts'
import type { WireRequest } from './wire/http.ts'
import { sha256Hex } from './wire/signing.ts'

type Build = (uploader: Uploader) => Promise<WireRequest>

/** An upload that is as it should be. */
export const SOUND: readonly (readonly [name: string, build: Build])[] = [
  ['plain, hashed', ({ plain }) => plain({})],
  ['plain, not hashed', ({ plain }) => plain({ payloadHash: 'UNSIGNED-PAYLOAD' })],
  ['with Content-MD5', ({ plain }) => plain({ headers: { 'content-md5': md5Of(BYTES) } })],
  [
    'with a checksum',
    ({ plain }) => plain({ headers: { 'x-amz-checksum-crc32': crc32Of(BYTES) } }),
  ],
  ['in signed chunks', ({ chunked }) => chunked({})],
  ['in signed chunks with a trailer', ({ chunked }) => chunked({ trailer: crc32Trailer(BYTES) })],
  [
    'in unsigned chunks with a trailer',
    ({ chunked }) => chunked({ signed: false, trailer: crc32Trailer(BYTES) }),
  ],
]

const withBody = (wire: WireRequest, change: (body: Buffer) => Uint8Array): WireRequest => ({
  ...wire,
  body: change(Buffer.from(wire.body ?? '')),
})

/** Changes one digit of a signature. */
const forgeHex = (bytes: Buffer, offset: number): Buffer => {
  const forged = Buffer.from(bytes)
  forged.write(forged.toString('latin1', offset, offset + 1) === '0' ? '1' : '0', offset)
  return forged
}

/** The last digit of the last signature: CRLF CRLF follows. */
const forgeLast = (body: Buffer): Buffer => forgeHex(body, body.length - 5)

const swapFirstChunks = (body: Buffer): Buffer => {
  const length = body.indexOf(body.subarray(0, 'xxxxx;chunk-signature='.length), 1)
  const [first, second] = [body.subarray(0, length), body.subarray(length, 2 * length)]
  return Buffer.concat([second, first, body.subarray(2 * length)])
}

const withoutLastChunk = (framed: Buffer): Buffer =>
  framed.subarray(0, framed.lastIndexOf('\r\n0') + 2)

const OTHER = flipByte(BYTES, 0)

/** The connection ends in the middle of the body: nobody need be told anything. */
const HUNG_UP = undefined

/** An upload that somebody changed on its way, or that contradicts itself, and what S3 says to it. */
export const TAMPERED: readonly (readonly [
  name: string,
  expected: readonly [status: number, codes: readonly string[]] | undefined,
  build: Build,
])[] = [
  [
    'a flipped byte in the first signed chunk',
    [403, ['SignatureDoesNotMatch']],
    async ({ chunked }) => withBody(await chunked({}), body => flipByte(body, 1000)),
  ],
  [
    'a flipped byte in the last signed chunk',
    [403, ['SignatureDoesNotMatch']],
    async ({ chunked }) => withBody(await chunked({}), body => flipByte(body, body.length - 200)),
  ],
  [
    'a forged signature of the empty chunk at the end',
    [403, ['SignatureDoesNotMatch']],
    async ({ chunked }) => withBody(await chunked({}), forgeLast),
  ],
  [
    'two signed chunks that changed places',
    [403, ['SignatureDoesNotMatch']],
    async ({ chunked }) => withBody(await chunked({}), swapFirstChunks),
  ],
  [
    'a body that has another hash',
    [400, ['XAmzContentSHA256Mismatch']],
    ({ plain }) => plain({ body: OTHER, payloadHash: sha256Hex(BYTES) }),
  ],
  [
    'a flipped byte at the end of a hashed body',
    [400, ['XAmzContentSHA256Mismatch']],
    async ({ plain }) => withBody(await plain({}), body => flipByte(body, body.length - 1)),
  ],
  [
    'a wrong trailer in signed chunks',
    [400, ['BadDigest']],
    ({ chunked }) => chunked({ trailer: crc32Trailer(OTHER) }),
  ],
  [
    'a wrong trailer in unsigned chunks',
    [400, ['BadDigest']],
    ({ chunked }) => chunked({ signed: false, trailer: crc32Trailer(OTHER) }),
  ],
  [
    'a flipped byte in unsigned chunks',
    [400, ['BadDigest']],
    async ({ chunked }) => {
      const wire = await chunked({ signed: false, trailer: crc32Trailer(BYTES) })
      return withBody(wire, body => flipByte(body, 1000))
    },
  ],
  [
    'a forged signature of the trailer',
    [403, ['SignatureDoesNotMatch']],
    async ({ chunked }) => withBody(await chunked({ trailer: crc32Trailer(BYTES) }), forgeLast),
  ],
  [
    'a wrong Content-MD5',
    [400, ['BadDigest']],
    ({ plain }) => plain({ headers: { 'content-md5': md5Of(OTHER) } }),
  ],
  [
    'a wrong Content-MD5 of a body that is not hashed',
    [400, ['BadDigest']],
    ({ plain }) =>
      plain({ headers: { 'content-md5': md5Of(OTHER) }, payloadHash: 'UNSIGNED-PAYLOAD' }),
  ],
  [
    'a wrong checksum header',
    [400, ['BadDigest', 'XAmzContentChecksumMismatch']],
    ({ plain }) => plain({ headers: { 'x-amz-checksum-crc32': crc32Of(OTHER) } }),
  ],
  [
    'a plain body that is cut off',
    HUNG_UP,
    async ({ plain }) => withBody(await plain({}), body => body.subarray(0, -1)),
  ],
  [
    'a plain body that is cut off and not hashed',
    HUNG_UP,
    async ({ plain }) =>
      withBody(await plain({ payloadHash: 'UNSIGNED-PAYLOAD' }), body => body.subarray(0, -1)),
  ],
  [
    'signed chunks that are cut off',
    HUNG_UP,
    async ({ chunked }) => withBody(await chunked({}), body => body.subarray(0, -100)),
  ],
  [
    'unsigned chunks without their end',
    [400, ['IncompleteBody']],
    ({ chunked }) =>
      chunked({ signed: false, trailer: crc32Trailer(BYTES), spoil: withoutLastChunk }),
  ],
  [
    'signed chunks without their end',
    [400, ['IncompleteBody']],
    ({ chunked }) => chunked({ spoil: withoutLastChunk }),
  ],
  [
    'bytes behind the last chunk',
    [400, ['IncompleteBody', 'InvalidRequest', 'MalformedTrailerError']],
    ({ chunked }) => chunked({ spoil: framed => Buffer.concat([framed, Buffer.from('more')]) }),
  ],
  [
    'fewer bytes than the decoded length',
    [400, ['IncompleteBody']],
    ({ chunked }) => chunked({ decodedLength: BYTES.length + 1 }),
  ],
  [
    'more bytes than the decoded length',
    [400, ['IncompleteBody']],
    ({ chunked }) => chunked({ decodedLength: BYTES.length - 1 }),
  ],
  [
    'a chunk more than the decoded length',
    [400, ['IncompleteBody']],
    ({ chunked }) =>
      chunked({
        chunks: [...toChunks(BYTES), Buffer.from('more')],
        decodedLength: BYTES.length,
        signed: false,
        trailer: crc32Trailer(BYTES),
      }),
  ],
]
