import t from 'tap'
import { settledHeaders } from '../../lib/authenticate/settled-headers.ts'
import { headersFromRaw } from '../../lib/s3/headers.ts'

const settled = (...rawHeaders: string[]): Record<string, string> =>
  Object.fromEntries(settledHeaders(headersFromRaw(rawHeaders)))

t.test('nothing of the signature or the framing travels on', async t => {
  t.strictSame(
    settled(
      ...['Host', 'h', 'Authorization', 'a', 'Expect', 'b', 'X-Amz-Date', 'c'],
      ...['x-amz-content-sha256', 'd', 'Content-Length', '1', 'Transfer-Encoding', 'chunked'],
      ...['x-amz-decoded-content-length', '1', 'x-amz-trailer', 'e', 'Content-MD5', 'f'],
    ),
    { host: 'h', 'content-md5': 'f' },
  )
})

t.test('aws-chunked is taken out of the content encoding, and nothing else', async t => {
  for (const [sent, kept] of [
    ['aws-chunked', undefined],
    ['AWS-Chunked', undefined],
    ['aws-chunked,gzip', 'gzip'],
    ['gzip, aws-chunked', 'gzip'],
    ['br, aws-chunked , gzip', 'br,gzip'],
    ['gzip', 'gzip'],
    ['gzip,,aws-chunked', 'gzip'],
    ['', undefined],
  ] as const) {
    t.equal(settled('Content-Encoding', sent)['content-encoding'], kept, sent)
  }
})

t.test("an SDK's word on its algorithm stays with a checksum alone", async t => {
  const algorithm = ['x-amz-sdk-checksum-algorithm', 'CRC32'] as const
  t.strictSame(settled(...algorithm, 'x-amz-checksum-mode', 'ENABLED'), {
    'x-amz-checksum-mode': 'ENABLED',
  })
  t.strictSame(settled(...algorithm, 'x-amz-checksum-crc32', 'AAAAAA=='), {
    'x-amz-sdk-checksum-algorithm': 'CRC32',
    'x-amz-checksum-crc32': 'AAAAAA==',
  })
})
