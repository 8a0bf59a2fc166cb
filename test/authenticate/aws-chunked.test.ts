import fc from 'fast-check'
import t from 'tap'
import { ChunkDecoder } from '../../lib/authenticate/aws-chunked.ts'
import { createChunkSignatures } from '../../lib/authenticate/chunk-signatures.ts'
import { TrailerSection } from '../../lib/authenticate/trailer-section.ts'
import { byteByByte, cutAt, type Filtered, runFilter } from './fixtures.ts'
import { chunksOf, frameSigned, frameUnsigned, SEAL } from './framing.ts'

interface Mode {
  readonly signed?: boolean
  readonly trailer?: string
  readonly allowed?: boolean
}

const decoderOf = ({ signed = false, trailer, allowed = true }: Mode): ChunkDecoder => {
  const signatures = signed ? createChunkSignatures(SEAL) : undefined
  return new ChunkDecoder(
    signatures,
    new TrailerSection({ allowed, announced: trailer }, signatures),
  )
}

const decode = (mode: Mode, pieces: readonly Buffer[]): Filtered =>
  runFilter(decoderOf(mode), pieces)

const CRC32 = ['x-amz-checksum-crc32', 'AAAAAA=='] as const
const MODES: readonly (readonly [name: string, mode: Mode, frame: (chunks: Buffer[]) => Buffer])[] =
  [
    ['signed', { signed: true, allowed: false }, chunks => frameSigned(chunks, SEAL)],
    [
      'signed, trailer',
      { signed: true, trailer: CRC32[0] },
      chunks => frameSigned(chunks, SEAL, CRC32),
    ],
    ['unsigned, trailer', { trailer: CRC32[0] }, chunks => frameUnsigned(chunks, CRC32)],
    ['unsigned, no trailer', {}, chunks => frameUnsigned(chunks)],
  ]

const bodies = fc.nat(20_000).map(length => Buffer.alloc(length, 'a\r\n0\r\n;x-amz:'))

t.test('a framed body comes out as it was, wherever the wire is cut', async t => {
  for (const [name, mode, frame] of MODES) {
    const cuts = fc.array(fc.nat(25_000), { maxLength: 20 })
    fc.assert(
      fc.property(bodies, cuts, (body, places) => {
        const wire = frame(chunksOf(body, 8192))
        const pieces = cutAt(
          wire,
          places.map(place => place % wire.length),
        )
        const { released, code } = decode(mode, pieces)
        return code === undefined && released.equals(body)
      }),
      { numRuns: 150 },
    )
    t.pass(name)
  }
})

t.test('a framed body comes out as it was, byte by byte', async t => {
  for (const [name, mode, frame] of MODES) {
    const body = Buffer.alloc(8200, '\r\n')
    const { released, code } = decode(mode, byteByByte(frame(chunksOf(body, 8192))))
    t.equal(code, undefined, name)
    t.ok(released.equals(body), name)
  }
})

t.test('a body cut short anywhere is refused at its end', async t => {
  for (const [name, mode, frame] of MODES) {
    const wire = frame(chunksOf(Buffer.alloc(100, 'b'), 8192))
    // An unsigned trailer that is cut short is a wrong checksum; its line ends may be left out.
    const trailer = mode.signed === true ? 4 : `${CRC32.join(':')}\r\n\r\n`.length
    const needed = wire.length - (mode.trailer === undefined ? 0 : trailer)
    const codes = Array.from(
      { length: needed },
      (_, end) => decode(mode, [wire.subarray(0, end)]).code,
    )
    t.notOk(codes.includes(undefined), name)
  }
})

t.test('line ends behind an announced trailer may be left out', async t => {
  for (const [name, mode, frame] of MODES) {
    if (mode.trailer === undefined) continue
    const wire = frame(chunksOf(Buffer.from('body'), 8192))
    for (const end of [1, 2, 3, 4]) {
      const { released, code } = decode(mode, [wire.subarray(0, wire.length - end)])
      t.equal(code, undefined, `${name} less ${end}`)
      t.equal(released.toString(), 'body')
    }
  }
})

t.test('a trailer is known once the body has ended', async t => {
  const trailers = new TrailerSection({ allowed: true, announced: CRC32[0] }, undefined)
  const decoder = new ChunkDecoder(undefined, trailers)
  t.equal(trailers.value(), '')
  runFilter(decoder, [Buffer.from('0\r\nX-Amz-Checksum-CRC32: \tAAAAAA== \r\n\r\n')])
  t.equal(trailers.value(), 'AAAAAA==')
})

t.test('any flipped bit of a signed body is refused', async t => {
  const body = Buffer.alloc(9000, 'c')
  for (const [name, mode, frame] of MODES.filter(([, { signed }]) => signed)) {
    const wire = frame(chunksOf(body, 8192))
    fc.assert(
      fc.property(fc.nat(wire.length - 1), fc.nat(7), (at, bit) => {
        const tampered = Buffer.from(wire)
        tampered[at] = (tampered[at] ?? 0) ^ (1 << bit)
        const { code, released } = decode(mode, [tampered])
        // The framing has letters in two cases, and line ends that may be left out.
        return code !== undefined || released.equals(body)
      }),
      { numRuns: 1500 },
    )
    t.pass(name)
  }
})

const signedWire = frameSigned(chunksOf(Buffer.alloc(9000, 'd'), 8192), SEAL).toString('latin1')
const trailerWire = frameSigned(chunksOf(Buffer.from('e'), 8192), SEAL, CRC32).toString('latin1')
const replaceFrom = (text: string, from: string, to: string): string => {
  if (!text.includes(from)) throw new Error(`no ${from}`)
  return text.replace(from, to)
}

const FAULTS: readonly (readonly [name: string, mode: Mode, wire: string, code: string])[] = [
  ['no bytes', {}, '', 'IncompleteBody'],
  ['an empty head', {}, '\r\n', 'IncompleteBody'],
  ['a head that is not hexadecimal', {}, 'x\r\n', 'IncompleteBody'],
  ['a signed size', {}, '-1\r\n', 'IncompleteBody'],
  ['a size with a prefix', {}, '0x1\r\na\r\n', 'IncompleteBody'],
  ['a size with space', {}, '1 \r\na\r\n', 'IncompleteBody'],
  ['a size past safe integers', {}, '20000000000000\r\n', 'IncompleteBody'],
  ['a size of too many digits', {}, `${'0'.repeat(17)}\r\n`, 'IncompleteBody'],
  ['a chunk extension', {}, '1;a=b\r\na\r\n', 'IncompleteBody'],
  ['a bare LF behind the head', {}, '1\na\r\n', 'IncompleteBody'],
  ['a bare CR behind the head', {}, '1\ra\r\n', 'IncompleteBody'],
  ['a bare LF behind the data', {}, '1\r\na\n0\r\n\r\n', 'IncompleteBody'],
  ['more data than the head says', {}, '1\r\nab\r\n0\r\n\r\n', 'IncompleteBody'],
  ['bytes behind the end', {}, '0\r\n\r\n0', 'IncompleteBody'],
  ['a line behind the end', {}, '0\r\n\r\n0\r\n\r\n', 'IncompleteBody'],
  ['a head without end', {}, 'a'.repeat(300), 'IncompleteBody'],
  ['a trailer without end', { trailer: CRC32[0] }, `0\r\n${'a'.repeat(300)}`, 'IncompleteBody'],
  [
    'a trailer that was not announced',
    {},
    '0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n',
    'MalformedTrailerError',
  ],
  [
    'a trailer where none is allowed',
    { signed: true, allowed: false },
    replaceFrom(signedWire, '\r\n\r\n', '\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n'),
    'MalformedTrailerError',
  ],
  [
    'an announced trailer that is not there',
    { trailer: CRC32[0] },
    '0\r\n\r\n',
    'MalformedTrailerError',
  ],
  [
    'another trailer',
    { trailer: CRC32[0] },
    '0\r\nx-amz-checksum-sha1:AAAA\r\n\r\n',
    'MalformedTrailerError',
  ],
  [
    'a trailer twice',
    { trailer: CRC32[0] },
    '0\r\nx-amz-checksum-crc32:AAAAAA==\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n',
    'MalformedTrailerError',
  ],
  [
    'a trailer without a colon',
    { trailer: CRC32[0] },
    '0\r\nx-amz-checksum-crc32\r\n\r\n',
    'MalformedTrailerError',
  ],
  [
    'a trailer signature in an unsigned body',
    { trailer: CRC32[0] },
    `0\r\nx-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:${'a'.repeat(64)}\r\n\r\n`,
    'MalformedTrailerError',
  ],
  [
    'an unsigned trailer in a signed body',
    { signed: true, trailer: CRC32[0] },
    trailerWire.replace(/x-amz-trailer-signature:.*\r\n/, ''),
    'MalformedTrailerError',
  ],
  [
    'another trailer value than was signed',
    { signed: true, trailer: CRC32[0] },
    replaceFrom(trailerWire, 'AAAAAA==', 'AAAAAQ=='),
    'SignatureDoesNotMatch',
  ],
  [
    'an unsigned chunk in a signed body',
    { signed: true, allowed: false },
    '0\r\n\r\n',
    'IncompleteBody',
  ],
  [
    'a signature of other length',
    { signed: true, allowed: false },
    `0;chunk-signature=${'a'.repeat(63)}\r\n\r\n`,
    'IncompleteBody',
  ],
  [
    'a signature in capitals',
    { signed: true, allowed: false },
    `0;chunk-signature=${'A'.repeat(64)}\r\n\r\n`,
    'IncompleteBody',
  ],
  [
    'a wrong signature',
    { signed: true, allowed: false },
    `0;chunk-signature=${'a'.repeat(64)}\r\n\r\n`,
    'SignatureDoesNotMatch',
  ],
  [
    'a flipped byte of data',
    { signed: true, allowed: false },
    replaceFrom(signedWire, 'ddd', 'dde'),
    'SignatureDoesNotMatch',
  ],
  [
    'chunks in another order',
    { signed: true, allowed: false },
    frameSigned(chunksOf(Buffer.alloc(16_384, 'f'), 8192), {
      ...SEAL,
      seed: 'b'.repeat(64),
    }).toString('latin1'),
    'SignatureDoesNotMatch',
  ],
  [
    'a short chunk before the last',
    { signed: true, allowed: false },
    frameSigned(chunksOf(Buffer.alloc(8192, 'g'), 8191), SEAL).toString('latin1'),
    'InvalidChunkSizeError',
  ],
]

t.test('a malformed or tampered body is refused, in one piece and byte by byte', async t => {
  for (const [name, mode, wire, code] of FAULTS) {
    const bytes = Buffer.from(wire, 'latin1')
    t.equal(decode(mode, [bytes]).code, code, name)
    t.equal(decode(mode, byteByByte(bytes)).code, code, `${name}, byte by byte`)
  }
})

t.test('an unsigned body may have short chunks, as its clients write them', async t => {
  const body = Buffer.alloc(100, 'h')
  const { released, code } = decode({}, [frameUnsigned(chunksOf(body, 7))])
  t.equal(code, undefined)
  t.ok(released.equals(body))
})
