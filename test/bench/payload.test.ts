import { createHash } from 'node:crypto'
import t from 'tap'
import { createUnframer } from '../../bench/ends/aws-chunked.ts'
import { bodyHash } from '../../bench/ends/body.ts'
import { PAYLOADS, payloadHeaders, payloadPieces } from '../../bench/ends/payload.ts'

const seed = { signature: 'a'.repeat(64), date: '20261121T090000Z' }
const KiB = 1024

const wired = (payload: (typeof PAYLOADS)[number], size: number): Buffer =>
  Buffer.concat([...payloadPieces(payload, size, seed)].map(piece => Buffer.from(piece)))

for (const payload of PAYLOADS) {
  t.test(`a body vouched for by ${payload} has the length that its head says`, async t => {
    for (const size of [1, 64 * KiB, 64 * KiB + 1, 1024 * KiB + 7]) {
      const length = payloadHeaders(payload, size)['content-length']
      t.equal(wired(payload, size).length, Number(length), `${size} bytes`)
    }
  })
}

t.test('without its frames a framed body is the body, however it is cut', async t => {
  for (const payload of ['signed chunks', 'trailer'] as const) {
    for (const cut of [1000, 65_536, 2 ** 20]) {
      const size = 200 * KiB + 3
      const hash = createHash('sha256')
      const take = createUnframer(bytes => hash.update(bytes))
      const body = wired(payload, size)
      for (let at = 0; at < body.length; at += cut) take(body.subarray(at, at + cut))
      t.equal(hash.digest('hex'), bodyHash(size), `${payload} in pieces of ${cut}`)
    }
  }
})
