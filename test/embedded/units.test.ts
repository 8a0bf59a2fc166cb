import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { createHasher } from '../../lib/embedded/body/checksum.ts'
import { combineCrc } from '../../lib/embedded/body/combine-crc.ts'
import { collate, decodeToken, encodeToken } from '../../lib/embedded/operations/collate.ts'
import { createIv, decrypt, encrypt } from '../../lib/embedded/store/cipher.ts'
import { compareUtf8, SortedMap } from '../../lib/embedded/store/sorted-map.ts'

const text = fc.string({ unit: 'grapheme' })

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size)
}

const collect = async (bytes: AsyncIterable<Buffer>): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return Buffer.concat(chunks)
}

t.test('names compare as their UTF-8 bytes do', async t => {
  const name = fc.oneof(text, fc.constantFrom('\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}'))
  fc.assert(
    fc.property(name, name, (a, b) => {
      t.equal(Math.sign(compareUtf8(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
  )
})

t.test('a sorted map is a map, read in order', async t => {
  const step = fc.record({ name: fc.string({ maxLength: 2 }), isSet: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step), text, text, (steps, prefix, marker) => {
      const map = new SortedMap<string>()
      const model = new Map<string, string>()
      for (const { name, isSet } of steps) {
        if (isSet) map.set(name, name)
        else map.delete(name)
        if (isSet) model.set(name, name)
        else model.delete(name)
      }
      const names = [...model.keys()].sort(compareUtf8)
      t.strictSame(
        [...map.range('', '')],
        names.filter(name => name !== ''),
      )
      t.strictSame(
        [...map.range(prefix, marker)],
        names.filter(name => name.startsWith(prefix) && compareUtf8(name, marker) > 0),
      )
      t.equal(map.size, model.size)
    }),
  )
})

t.test('the pages of a listing together are the listing, whatever their size', async t => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '/'), minLength: 1, maxLength: 6 })
  const cases = fc.record({
    names: fc.uniqueArray(name),
    prefix: fc.constantFrom('', 'a', 'a/', 'b'),
    delimiter: fc.constantFrom('', '/', 'b/'),
    max: fc.integer({ min: 1, max: 4 }),
  })
  fc.assert(
    fc.property(cases, ({ names, prefix, delimiter, max }) => {
      const map = new SortedMap(names.map(each => [each, each]))
      const page = (marker: string, size: number) =>
        collate(map.range(prefix, marker), each => each, { prefix, delimiter, marker, max: size })
      const whole = page('', names.length + 1)
      const items: string[] = []
      const commonPrefixes: string[] = []
      let marker = ''
      for (let more = true; more; ) {
        const part = page(marker, max)
        items.push(...part.items)
        commonPrefixes.push(...part.commonPrefixes)
        more = part.isTruncated
        marker = part.last
        t.ok(part.items.length + part.commonPrefixes.length <= max)
      }
      t.strictSame([items, commonPrefixes], [whole.items, whole.commonPrefixes])
      const covered = names.filter(
        each => items.includes(each) || commonPrefixes.some(common => each.startsWith(common)),
      )
      t.strictSame(
        covered,
        names.filter(each => each.startsWith(prefix)),
      )
    }),
  )
})

t.test('a token stands for any name, and nothing else is a token', async t => {
  fc.assert(
    fc.property(text, name => {
      t.equal(decodeToken(encodeToken(name)), name)
    }),
  )
  t.throws(() => decodeToken('no token!'), { code: 'InvalidArgument' })
})

t.test('what is encrypted is decrypted from any byte on', async t => {
  const bytes = fc.uint8Array({ maxLength: 100 }).map(each => Buffer.from(each))
  const cases = fc.record({ bytes, from: fc.nat(100), size: fc.integer({ min: 1, max: 40 }) })
  const key = Buffer.alloc(32, 7)
  await fc.assert(
    fc.asyncProperty(cases, fc.boolean(), async ({ bytes, from, size }, overflows) => {
      // Counters wrap around.
      const iv = overflows ? Buffer.alloc(16, 0xff) : createIv()
      const stored = await collect(encrypt(inPieces(bytes, size), key, iv))
      const read = await collect(decrypt(inPieces(stored.subarray(from), size), key, iv, from))
      t.strictSame(read, bytes.subarray(from))
    }),
  )
})

t.test('two objects of one key and content are not stored alike', async t => {
  const key = Buffer.alloc(32, 7)
  const bytes = Buffer.alloc(64)
  const one = await collect(encrypt(inPieces(bytes, 64), key, createIv()))
  const other = await collect(encrypt(inPieces(bytes, 64), key, createIv()))
  t.notOk(one.equals(other))
})

t.test('the CRC of pieces is the CRC of their bytes', async t => {
  const shapes = [
    ['CRC32', { bits: 32, polynomial: 0xedb88320n }],
    ['CRC32C', { bits: 32, polynomial: 0x82f63b78n }],
    ['CRC64NVME', { bits: 64, polynomial: 0x9a6c9329ac4bc9b5n }],
  ] as const
  const crcOf = async (algorithm: 'CRC32' | 'CRC32C' | 'CRC64NVME', bytes: Uint8Array) => {
    const hasher = await createHasher(algorithm)
    hasher.update(Buffer.from(bytes))
    return hasher.digest()
  }
  for (const [algorithm, shape] of shapes) {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1 }),
        async pieces => {
          const known = await Promise.all(
            pieces.map(async piece => ({
              digest: await crcOf(algorithm, piece),
              length: piece.length,
            })),
          )
          t.strictSame(combineCrc(shape, known), await crcOf(algorithm, Buffer.concat(pieces)))
        },
      ),
      { numRuns: 20 },
    )
  }
})

t.test('checksums are those of the published check values', async t => {
  // https://reveng.sourceforge.io/crc-catalogue/all.htm: each CRC's `check`, of 123456789
  for (const [algorithm, expected] of [
    ['CRC32', 'cbf43926'],
    ['CRC32C', 'e3069283'],
    ['CRC64NVME', 'ae8b14860a799888'],
    ['SHA1', createHash('sha1').update('123456789').digest('hex')],
    ['SHA256', createHash('sha256').update('123456789').digest('hex')],
  ] as const) {
    const hasher = await createHasher(algorithm)
    for (const character of '123456789') hasher.update(Buffer.from(character))
    t.equal(hasher.digest().toString('hex'), expected, algorithm)
  }
  t.equal(crc32('123456789').toString(16), 'cbf43926')
})
