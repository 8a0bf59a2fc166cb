import fc from 'fast-check'
import t from 'tap'
import {
  type ChecksumAlgorithm,
  checksumAlgorithm,
  isChecksum,
} from '../../lib/authenticate/checksum.ts'
import { cutAt } from './fixtures.ts'

const algorithm = (header: string): ChecksumAlgorithm => {
  const found = checksumAlgorithm(header)
  if (found === undefined) throw new Error(header)
  return found
}

const checksumOf = (header: string, pieces: readonly Buffer[]): string => {
  const checksum = algorithm(header).create()
  for (const piece of pieces) checksum.update(piece)
  return checksum.digest()
}

const hexOf = (base64: string): string => Buffer.from(base64, 'base64').toString('hex')

// "check" of the CRC catalogue, https://reveng.sourceforge.io/crc-catalogue/all.htm; FIPS 180's digests by sha1sum.
const CHECKS: readonly (readonly [header: string, label: string, check: string])[] = [
  ['x-amz-checksum-crc32', 'CRC32', 'cbf43926'],
  ['x-amz-checksum-crc32c', 'CRC32C', 'e3069283'],
  ['x-amz-checksum-crc64nvme', 'CRC64NVME', 'ae8b14860a799888'],
  ['x-amz-checksum-sha1', 'SHA1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
  [
    'x-amz-checksum-sha256',
    'SHA256',
    '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225',
  ],
]

t.test('each algorithm gives its published check value', async t => {
  for (const [header, label, check] of CHECKS) {
    const { size } = algorithm(header)
    t.equal(algorithm(header).label, label)
    t.equal(size, check.length / 2, header)
    t.equal(hexOf(checksumOf(header, [Buffer.from('123456789')])), check, header)
  }
})

t.test('an unknown name is no algorithm', async t => {
  t.equal(checksumAlgorithm('x-amz-checksum-md5'), undefined)
  t.equal(checksumAlgorithm('x-amz-checksum-mode'), undefined)
})

/** A reflected CRC, bit by bit. */
const bitwise = (width: bigint, polynomial: bigint, bytes: Buffer): string => {
  const ones = (1n << width) - 1n
  let crc = ones
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ polynomial : crc >> 1n
  }
  return (crc ^ ones).toString(16).padStart(Number(width) / 4, '0')
}

const bytes = fc.uint8Array({ maxLength: 200 }).map(array => Buffer.from(array))
const cuts = fc.array(fc.nat(200), { maxLength: 5 })
const cutBytes = fc.tuple(bytes, cuts).map(([whole, places]) =>
  cutAt(
    whole,
    places.map(place => Math.min(place, whole.length)),
  ),
)

t.test('a CRC is that of the bitwise definition, wherever the body is cut', async t => {
  for (const [header, width, polynomial] of [
    ['x-amz-checksum-crc32', 32n, 0xedb88320n],
    ['x-amz-checksum-crc32c', 32n, 0x82f63b78n],
    ['x-amz-checksum-crc64nvme', 64n, 0x9a6c9329ac4bc9b5n],
  ] as const) {
    fc.assert(
      fc.property(cutBytes, pieces => {
        const expected = bitwise(width, polynomial, Buffer.concat(pieces))
        return hexOf(checksumOf(header, pieces)) === expected
      }),
    )
    t.pass(header)
  }
})

t.test('bodies that flow at once do not mix', async t => {
  for (const [header] of CHECKS) {
    const [a, b] = [algorithm(header).create(), algorithm(header).create()]
    for (const digit of '123456789') {
      a.update(Buffer.from(digit))
      b.update(Buffer.from('x'))
    }
    t.equal(a.digest(), checksumOf(header, [Buffer.from('123456789')]), header)
    t.equal(b.digest(), checksumOf(header, [Buffer.from('xxxxxxxxx')]), header)
  }
})

t.test('a checksum is base64 of its own length, in its one form', async t => {
  const crc32 = algorithm('x-amz-checksum-crc32')
  t.ok(isChecksum(crc32, 'AAAAAA=='))
  for (const text of ['', 'AAAAAA', 'AAAAAB==', 'AAAAAAA=', ' AAAAAA==', 'AAAAAA==,AAAAAA==']) {
    t.notOk(isChecksum(crc32, text), text)
  }
})
