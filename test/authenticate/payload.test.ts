import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { checksumAlgorithm } from '../../lib/authenticate/checksum.ts'
import { readPayload } from '../../lib/authenticate/payload.ts'
import type { BodyFilter, Payload } from '../../lib/s3/body.ts'
import { S3Error } from '../../lib/s3/error.ts'
import { headersFromRaw } from '../../lib/s3/headers.ts'
import { OPERATIONS, type OperationName } from '../../lib/s3/operation.ts'
import { EMPTY_SHA256, parsePayloadMode } from '../../lib/s3/payload-hash.ts'
import { byteByByte, cutAt, runFilter } from './fixtures.ts'
import { chunksOf, frameSigned, frameUnsigned, SEAL } from './framing.ts'

const SIGNED = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
const SIGNED_TRAILER = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER'
const UNSIGNED_TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'

const read = (name: OperationName, mode: string, ...rawHeaders: string[]): Payload | undefined => {
  const operation = OPERATIONS.find(each => each.name === name)
  if (operation === undefined) throw new Error(name)
  return readPayload(operation, headersFromRaw(rawHeaders), parsePayloadMode(mode), SEAL)
}
const readObject = (mode: string, ...rawHeaders: string[]): Payload => {
  const payload = read('PutObject', mode, ...rawHeaders)
  if (payload === undefined) throw new Error('no payload')
  return payload
}
const filterOf = ({ filter }: Payload): BodyFilter => {
  if (filter === undefined) throw new Error('no filter')
  return filter
}
const refuse = (attempt: () => unknown): Partial<S3Error> => {
  try {
    attempt()
  } catch (error) {
    if (error instanceof S3Error) return { code: error.code, message: error.message }
    throw error
  }
  return {}
}

const sha256 = (body: Buffer): string => createHash('sha256').update(body).digest('hex')
const checksumOf = (header: string, body: Buffer): string => {
  const checksum = checksumAlgorithm(header)?.create()
  checksum?.update(body)
  return checksum?.digest() ?? ''
}

t.test('an operation without a body has no payload', async t => {
  for (const mode of [EMPTY_SHA256, 'UNSIGNED-PAYLOAD']) {
    t.equal(read('GetObject', mode), undefined)
    t.equal(read('CopyObject', mode, 'content-length', '0'), undefined)
  }
})

t.test('an operation without a body is refused with one', async t => {
  for (const rawHeaders of [
    ['content-length', '1'],
    ['transfer-encoding', 'chunked'],
  ]) {
    t.match(
      refuse(() => read('GetObject', 'UNSIGNED-PAYLOAD', ...rawHeaders)),
      {
        code: 'InvalidRequest',
        message: /must not include a non-empty body/,
      },
    )
  }
  t.equal(refuse(() => read('DeleteObject', UNSIGNED_TRAILER)).code, 'InvalidRequest')
  t.equal(refuse(() => read('HeadObject', 'a'.repeat(64))).code, 'XAmzContentSHA256Mismatch')
})

t.test('the length of an object must be said, that of a document may be left out', async t => {
  t.equal(readObject('UNSIGNED-PAYLOAD', 'content-length', '12').length, 12)
  t.equal(read('CreateBucket', EMPTY_SHA256)?.length, 0)
  for (const [name, mode, rawHeaders] of [
    ['PutObject', 'UNSIGNED-PAYLOAD', []],
    ['PutObject', 'UNSIGNED-PAYLOAD', ['transfer-encoding', 'chunked']],
    ['UploadPart', 'a'.repeat(64), ['transfer-encoding', 'chunked', 'content-length', '1']],
    ['DeleteObjects', 'UNSIGNED-PAYLOAD', ['transfer-encoding', 'chunked']],
    ['PutObject', SIGNED, ['content-length', '1']],
    ['PutObject', UNSIGNED_TRAILER, ['transfer-encoding', 'chunked']],
  ] as const) {
    t.equal(refuse(() => read(name, mode, ...rawHeaders)).code, 'MissingContentLength')
  }
})

t.test('a length is a decimal number and nothing else', async t => {
  for (const text of [
    '',
    '-1',
    '+1',
    '1.0',
    '0x1',
    '1e3',
    ' 1',
    '1,1',
    '9007199254740992',
    'NaN',
  ]) {
    for (const attempt of [
      () => readObject('UNSIGNED-PAYLOAD', 'content-length', text),
      () => readObject(SIGNED, 'x-amz-decoded-content-length', text),
      () => read('GetObject', 'UNSIGNED-PAYLOAD', 'content-length', text),
    ]) {
      t.equal(refuse(attempt).code, 'InvalidArgument', text)
    }
  }
  t.equal(readObject('UNSIGNED-PAYLOAD', 'content-length', '9007199254740991').length, 2 ** 53 - 1)
})

t.test('what may go upstream as payload hash is the hex hash alone', async t => {
  const hash = sha256(Buffer.from('body'))
  t.equal(readObject(hash, 'content-length', '4').hash, hash)
  for (const mode of [SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER]) {
    t.equal(readObject(mode, 'x-amz-decoded-content-length', '4').hash, 'UNSIGNED-PAYLOAD')
  }
})

const CHECKSUMS = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'].map(
  name => `x-amz-checksum-${name}`,
)

/** Every way in which a client may send `body` guarded: the head's mode and headers, and the wire's bytes. */
const guardedWays = (
  body: Buffer,
): readonly (readonly [mode: string, rawHeaders: readonly string[], wire: Buffer])[] => {
  const length = ['content-length', String(body.length)]
  const decoded = ['x-amz-decoded-content-length', String(body.length)]
  const chunks = chunksOf(body, 8192)
  return [
    [sha256(body), length, body],
    [SIGNED, decoded, frameSigned(chunks, SEAL)],
    ...CHECKSUMS.flatMap(header => {
      const value = checksumOf(header, body)
      const announced = [...decoded, 'x-amz-trailer', header]
      return [
        ['UNSIGNED-PAYLOAD', [...length, header, value], body],
        [sha256(body), [...length, header, value], body],
        [SIGNED, [...decoded, header, value], frameSigned(chunks, SEAL)],
        [UNSIGNED_TRAILER, announced, frameUnsigned(chunks, [header, value])],
        [SIGNED_TRAILER, announced, frameSigned(chunks, SEAL, [header, value])],
      ] as const
    }),
  ]
}

const bodies = fc
  .tuple(fc.nat(17_000), fc.nat(255))
  .map(([length, seed]) => Buffer.from(Array.from({ length }, (_, i) => (i * 31 + seed) & 255)))

t.test(
  'a guarded body comes out whole, wherever the wire is cut, and its last byte at the end',
  async t => {
    const cuts = fc.array(fc.nat(20_000), { maxLength: 10 })
    fc.assert(
      fc.property(bodies, cuts, (body, places) => {
        for (const [mode, rawHeaders, wire] of guardedWays(body)) {
          const filter = filterOf(readObject(mode, ...rawHeaders))
          const pieces = cutAt(
            wire,
            places.map(place => place % (wire.length + 1)),
          )
          const before = Buffer.concat(pieces.flatMap(piece => filter.push(piece)))
          const whole = Buffer.concat([before, ...filter.end()])
          if (!whole.equals(body) || before.length > Math.max(0, body.length - 1)) return false
        }
        return true
      }),
      { numRuns: 60 },
    )
    t.pass()
  },
)

t.test('a guarded body comes out whole byte by byte', async t => {
  const body = Buffer.alloc(8300, 'abc')
  for (const [mode, rawHeaders, wire] of guardedWays(body)) {
    const { released, code } = runFilter(
      filterOf(readObject(mode, ...rawHeaders)),
      byteByByte(wire),
    )
    t.equal(code, undefined, mode)
    t.ok(released.equals(body), mode)
  }
})

t.test('a tampered body is refused before its last byte is let go', async t => {
  const body = Buffer.alloc(9000, 'abc')
  for (const [mode, rawHeaders, wire] of guardedWays(body)) {
    fc.assert(
      fc.property(fc.nat(wire.length - 1), fc.nat(7), (at, bit) => {
        const tampered = Buffer.from(wire)
        tampered[at] = (tampered[at] ?? 0) ^ (1 << bit)
        const filter = filterOf(readObject(mode, ...rawHeaders))
        const { released, code } = runFilter(filter, cutAt(tampered, [4000, 8500]))
        // Framing may be changed without harm: letters have two cases, last line ends may be left out.
        return code === undefined ? released.equals(body) : released.length < body.length
      }),
      { numRuns: 100 },
    )
  }
  t.pass()
})

t.test('a body cut short or made longer is refused before its last byte is let go', async t => {
  const body = Buffer.alloc(9000, 'abc')
  for (const [mode, rawHeaders, wire] of guardedWays(body)) {
    for (const changed of [
      wire.subarray(0, 0),
      wire.subarray(0, 4000),
      wire.subarray(0, 8999),
      wire.subarray(0, wire.length - 6),
      Buffer.concat([wire, Buffer.from('a')]),
      Buffer.concat([wire, wire]),
    ]) {
      const filter = filterOf(readObject(mode, ...rawHeaders))
      const { released, code } = runFilter(filter, [changed])
      t.ok(code, mode)
      t.ok(released.length < body.length, mode)
    }
  }
})

t.test('a wrong hash, checksum or length has the error of S3', async t => {
  const body = Buffer.from('The body')
  const length = ['content-length', '8']
  const decoded = ['x-amz-decoded-content-length', '8']
  const crc32 = ['x-amz-checksum-crc32', 'AAAAAA=='] as const
  const announced = [...decoded, 'x-amz-trailer', crc32[0]]
  const chunks = chunksOf(body, 8192)
  const cases: readonly (readonly [string, readonly string[], Buffer, string])[] = [
    [EMPTY_SHA256, length, body, 'XAmzContentSHA256Mismatch'],
    ['UNSIGNED-PAYLOAD', [...length, ...crc32], body, 'BadDigest'],
    [sha256(body), [...length, ...crc32], body, 'BadDigest'],
    [SIGNED, [...decoded, ...crc32], frameSigned(chunks, SEAL), 'BadDigest'],
    [UNSIGNED_TRAILER, announced, frameUnsigned(chunks, crc32), 'BadDigest'],
    [SIGNED_TRAILER, announced, frameSigned(chunks, SEAL, crc32), 'BadDigest'],
    [UNSIGNED_TRAILER, announced, frameUnsigned(chunks, [crc32[0], 'AAAA']), 'InvalidRequest'],
    [UNSIGNED_TRAILER, announced, frameUnsigned(chunks), 'MalformedTrailerError'],
    [SIGNED, ['x-amz-decoded-content-length', '9'], frameSigned(chunks, SEAL), 'IncompleteBody'],
    [SIGNED, ['x-amz-decoded-content-length', '7'], frameSigned(chunks, SEAL), 'IncompleteBody'],
    [SIGNED, decoded, frameSigned(chunks, { ...SEAL, seed: 'b' }), 'SignatureDoesNotMatch'],
  ]
  for (const [mode, rawHeaders, wire, expected] of cases) {
    const payload = readObject(mode, ...rawHeaders)
    const { released, code } = runFilter(filterOf(payload), [wire])
    t.equal(code, expected, `${mode} ${rawHeaders}`)
    t.ok(released.length < payload.length)
  }
})

t.test(
  'SHA-256 as payload hash and as checksum is one check when they agree, two when not',
  async t => {
    const body = Buffer.from('The body')
    const rawHeaders = ['content-length', '8', 'x-amz-checksum-sha256']
    const value = checksumOf('x-amz-checksum-sha256', body)
    const other = checksumOf('x-amz-checksum-sha256', Buffer.from('Another'))
    const run = (checksum: string) =>
      runFilter(filterOf(readObject(sha256(body), ...rawHeaders, checksum)), [body]).code
    t.equal(run(value), undefined)
    t.equal(run(other), 'BadDigest')
  },
)

t.test('a trailer can be asked for behind the body', async t => {
  const body = Buffer.from('The body')
  for (const header of CHECKSUMS) {
    const value = checksumOf(header, body)
    const rawHeaders = ['x-amz-decoded-content-length', '8', 'X-Amz-Trailer', header.toUpperCase()]
    const payload = readObject(UNSIGNED_TRAILER, ...rawHeaders)
    runFilter(filterOf(payload), [frameUnsigned(chunksOf(body, 8192), [header, value])])
    t.equal(payload.trailer?.name, header)
    t.equal(payload.trailer?.value(), value)
  }
})

t.test(
  'checksums in the head must be one, well-formed, and announced where they can be',
  async t => {
    const decoded = ['x-amz-decoded-content-length', '8']
    const length = ['content-length', '8']
    const crc32 = ['x-amz-checksum-crc32', 'AAAAAA==']
    const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
      [
        'UNSIGNED-PAYLOAD',
        [...length, 'x-amz-checksum-crc32', 'AAAA'],
        /^Value for x-amz-checksum-crc32 header is invalid\.$/,
      ],
      [
        'UNSIGNED-PAYLOAD',
        [...length, ...crc32, ...crc32],
        /^Value for x-amz-checksum-crc32 header is invalid\.$/,
      ],
      [
        'UNSIGNED-PAYLOAD',
        [...length, ...crc32, 'x-amz-checksum-crc32c', 'AAAAAA=='],
        /^Expecting a single x-amz-checksum- header/,
      ],
      [
        UNSIGNED_TRAILER,
        [...decoded, ...crc32, 'x-amz-trailer', 'x-amz-checksum-sha1'],
        /^Expecting a single/,
      ],
      [
        UNSIGNED_TRAILER,
        [...decoded, 'x-amz-trailer', 'x-amz-checksum-md5'],
        /^The value specified in the x-amz-trailer header is not supported$/,
      ],
      [
        UNSIGNED_TRAILER,
        [...decoded, 'x-amz-trailer', 'x-amz-checksum-crc32,x-amz-checksum-sha1'],
        /x-amz-trailer/,
      ],
      [SIGNED, [...decoded, 'x-amz-trailer', 'x-amz-checksum-crc32'], /x-amz-trailer/],
      ['UNSIGNED-PAYLOAD', [...length, 'x-amz-trailer', 'x-amz-checksum-crc32'], /x-amz-trailer/],
    ]
    for (const [mode, rawHeaders, message] of cases) {
      t.match(
        refuse(() => readObject(mode, ...rawHeaders)),
        { code: 'InvalidRequest', message },
      )
    }
  },
)

t.test("a checksum that is not the body's is left to the provider", async t => {
  const checksum = ['x-amz-checksum-crc32', 'AAAAAA==']
  const payload = read(
    'CompleteMultipartUpload',
    'UNSIGNED-PAYLOAD',
    'content-length',
    '8',
    ...checksum,
  )
  t.equal(payload?.filter, undefined)
  const unknown = ['x-amz-checksum-sha512', 'AAAAAA==', 'content-md5', 'AAAA']
  t.equal(readObject('UNSIGNED-PAYLOAD', 'content-length', '8', ...unknown).filter, undefined)
})

t.test('an empty body is checked, too', async t => {
  for (const [mode, rawHeaders, wire] of guardedWays(Buffer.alloc(0))) {
    const { released, code } = runFilter(filterOf(readObject(mode, ...rawHeaders)), [wire])
    t.equal(code, undefined)
    t.equal(released.length, 0)
  }
})
