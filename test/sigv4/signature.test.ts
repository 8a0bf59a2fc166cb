import { createHash } from 'node:crypto'
import t from 'tap'
import { Secret } from '../../lib/s3/secret.ts'
import { createSigningKeys, signatureOf, stringToSign } from '../../lib/sigv4/signature.ts'

const SCOPE = { date: '20130524', region: 'us-east-1', service: 's3' }

t.test('a canonical request is hashed byte by byte', async t => {
  const bytes = Buffer.from('é\u00a0')
  const hash = createHash('sha256').update(bytes).digest('hex')
  const text = stringToSign('20130524T000000Z', SCOPE, bytes.toString('latin1'))
  t.equal(text, `AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n${hash}`)
})

t.test('a signing key is derived once for a secret and scope', async t => {
  const keys = createSigningKeys()
  const secret = new Secret('secret')
  t.equal(keys.keyFor(secret, 'A', SCOPE), keys.keyFor(secret, 'A', { ...SCOPE }))
})

t.test('another secret, access key id, day, region or service has another key', async t => {
  const keys = createSigningKeys()
  const secret = new Secret('secret')
  const key = keys.keyFor(secret, 'A', SCOPE)
  for (const other of [
    keys.keyFor(new Secret('another'), 'A', SCOPE),
    keys.keyFor(secret, 'A', { ...SCOPE, date: '20130525' }),
    keys.keyFor(secret, 'A', { ...SCOPE, region: 'us-east-2' }),
    keys.keyFor(secret, 'A', { ...SCOPE, service: 's4' }),
  ]) {
    t.notOk(other.equals(key))
    t.not(signatureOf(other, 'text'), signatureOf(key, 'text'))
  }
})

t.test('a secret that changed under its access key id counts at once, both ways', async t => {
  const keys = createSigningKeys()
  const [before, after] = [new Secret('before'), new Secret('after')]
  const first = keys.keyFor(before, 'A', SCOPE)
  const second = keys.keyFor(after, 'A', SCOPE)
  t.notOk(second.equals(first))
  t.ok(keys.keyFor(before, 'A', SCOPE).equals(first))
  t.ok(keys.keyFor(after, 'A', SCOPE).equals(second))
})
