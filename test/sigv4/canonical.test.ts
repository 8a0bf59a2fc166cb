import t from 'tap'
import { canonicalRequest } from '../../lib/sigv4/canonical.ts'

const PARTS = {
  method: 'GET',
  path: '//a/../b%2Fc',
  query: 'a=1&b=',
  headers: new Map([
    ['host', 'h'],
    ['x-amz-meta-a', ' \t one \t two  '],
  ]),
  signedHeaders: ['host', 'x-amz-meta-a'],
  payloadHash: 'UNSIGNED-PAYLOAD',
}

t.test(
  'a canonical request has the path as sent, and trims and joins space in headers',
  async t => {
    t.equal(
      canonicalRequest(PARTS),
      'GET\n//a/../b%2Fc\na=1&b=\nhost:h\nx-amz-meta-a:one two\n\nhost;x-amz-meta-a\nUNSIGNED-PAYLOAD',
    )
  },
)

t.test('bytes of UTF-8 that look like space in latin1 are kept', async t => {
  const value = Buffer.from('à la carte\u0085\u00a0').toString('latin1')
  const headers = new Map([['x-amz-meta-a', value]])
  const canonical = canonicalRequest({ ...PARTS, headers, signedHeaders: ['x-amz-meta-a'] })
  t.match(canonical, `x-amz-meta-a:${value}\n`)
})

t.test('an absent header is an empty one', async t => {
  const canonical = canonicalRequest({ ...PARTS, signedHeaders: ['range'] })
  t.match(canonical, '\nrange:\n\nrange\n')
})
