import fc from 'fast-check'
import t from 'tap'
import { canFrame, framedLength, frameTrailer } from '../../lib/body/trailer-framing.ts'

const TRAILER = { name: 'x-amz-checksum-crc32', value: () => 'AAAAAA==' }

const frame = (body: Buffer, cuts: readonly number[]): Buffer => {
  const filter = frameTrailer(body.length, TRAILER)
  const out: Buffer[] = []
  let from = 0
  for (const to of [...cuts, body.length].toSorted((a, b) => a - b)) {
    out.push(...filter.push(body.subarray(from, to)))
    from = to
  }
  return Buffer.concat([...out, ...filter.end()])
}

/** A naive reader of aws-chunked. */
const unframe = (wire: Buffer): { body: Buffer; sizes: number[]; rest: string } => {
  const parts: Buffer[] = []
  const sizes: number[] = []
  let at = 0
  for (;;) {
    const end = wire.indexOf('\r\n', at)
    const size = Number.parseInt(wire.subarray(at, end).toString(), 16)
    if (size === 0)
      return { body: Buffer.concat(parts), sizes, rest: wire.subarray(end + 2).toString() }
    sizes.push(size)
    parts.push(wire.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
}

t.test('the frame is the same for every chunking, and as long as was promised', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3 * 1024 * 1024 }),
      fc.array(fc.nat({ max: 3 * 1024 * 1024 }), { maxLength: 5 }),
      (length, cuts) => {
        const body = Buffer.alloc(length, 'x')
        const wire = frame(
          body,
          cuts.map(cut => Math.min(cut, length)),
        )
        const { body: back, sizes, rest } = unframe(wire)
        return (
          back.equals(body) &&
          wire.length === framedLength(length, TRAILER.name) &&
          sizes.slice(0, -1).every(size => size === 1024 * 1024) &&
          rest === 'x-amz-checksum-crc32:AAAAAA==\r\n\r\n'
        )
      },
    ),
    { numRuns: 60 },
  )
})

t.test('only trailers of known length are framed', async t => {
  t.ok(canFrame('x-amz-checksum-crc64nvme'))
  t.notOk(canFrame('x-amz-checksum-xxhash128'))
})
