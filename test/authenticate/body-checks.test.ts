import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { checkChecksum, checkSha256, holdLastByte } from '../../lib/authenticate/body-checks.ts'
import { checksumAlgorithm } from '../../lib/authenticate/checksum.ts'
import { byteByByte, cutAt, runFilter } from './fixtures.ts'

const BODY = Buffer.from('The quick brown fox jumps over the lazy dog')
const SHA256 = createHash('sha256').update(BODY).digest('hex')

t.test('a body with its payload hash passes, another is refused', async t => {
  t.ok(runFilter(checkSha256(SHA256), byteByByte(BODY)).released.equals(BODY))
  t.equal(runFilter(checkSha256(SHA256), [BODY.subarray(1)]).code, 'XAmzContentSHA256Mismatch')
})

t.test(
  'a body with its checksum passes, another is refused by the name of its algorithm',
  async t => {
    for (const [header, value, label] of [
      ['x-amz-checksum-crc32', 'QU+jOQ==', 'CRC32'],
      ['x-amz-checksum-crc32c', 'ImIEBA==', 'CRC32C'],
      ['x-amz-checksum-sha1', 'L9ThxnotKPzthJ7hu3bnOR6T6xI=', 'SHA1'],
    ] as const) {
      const algorithm = checksumAlgorithm(header)
      if (algorithm === undefined) throw new Error(header)
      t.ok(
        runFilter(
          checkChecksum(algorithm, () => value),
          byteByByte(BODY),
        ).released.equals(BODY),
      )
      const { code, message } = runFilter(
        checkChecksum(algorithm, () => value),
        [BODY.subarray(1)],
      )
      t.equal(code, 'BadDigest')
      t.equal(message, `The ${label} you specified did not match the calculated checksum.`)
      t.equal(
        runFilter(
          checkChecksum(algorithm, () => 'AAAA'),
          [BODY],
        ).code,
        'InvalidRequest',
      )
    }
  },
)

t.test('the last byte is let go at the end alone, and copied', async t => {
  const bytes = Buffer.from('abc')
  const filter = holdLastByte(3)
  t.equal(Buffer.concat(filter.push(bytes)).toString(), 'ab')
  bytes.fill('x')
  t.equal(Buffer.concat(filter.end()).toString(), 'c')
})

t.test('a body of the right length passes wherever it is cut, and none before its end', async t => {
  const cuts = fc.array(fc.nat(50), { maxLength: 8 })
  fc.assert(
    fc.property(fc.nat(50), cuts, (length, places) => {
      const body = Buffer.alloc(length, 'abc')
      const filter = holdLastByte(length)
      const pieces = cutAt(
        body,
        places.map(place => Math.min(place, length)),
      )
      const before = Buffer.concat(pieces.flatMap(piece => filter.push(piece)))
      const after = Buffer.concat(filter.end())
      return (
        before.length === Math.max(0, length - 1) && Buffer.concat([before, after]).equals(body)
      )
    }),
  )
  t.pass()
})

t.test('a body of another length is refused before its last byte', async t => {
  for (const [sent, promised] of [
    [0, 1],
    [9, 10],
    [11, 10],
    [10, 0],
  ] as const) {
    for (const pieces of [[Buffer.alloc(sent)], byteByByte(Buffer.alloc(sent))]) {
      const { released, code } = runFilter(holdLastByte(promised), pieces)
      t.equal(code, 'IncompleteBody')
      t.ok(released.length < Math.max(1, promised))
    }
  }
})
