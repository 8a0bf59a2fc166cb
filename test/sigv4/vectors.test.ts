import { createHash } from 'node:crypto'
import t from 'tap'
import { headersFromRaw } from '../../lib/s3/headers.ts'
import { EMPTY_SHA256 } from '../../lib/s3/payload-hash.ts'
import { canonicalQuery, parseQuery } from '../../lib/s3/query.ts'
import { Secret } from '../../lib/s3/secret.ts'
import { canonicalRequest } from '../../lib/sigv4/canonical.ts'
import { createSigningKeys, signatureOf, stringToSign } from '../../lib/sigv4/signature.ts'
import {
  CHUNKED_EXAMPLE,
  EXAMPLE_DATE,
  HEADER_EXAMPLES,
  TRAILER_EXAMPLE,
} from '../vectors/aws-s3-examples.ts'
import { SUITE, SUITE_DATE, SUITE_KEY, SUITE_SCOPE } from '../vectors/aws-sigv4-suite.ts'

const keys = createSigningKeys()

t.test("AWS's S3 examples have AWS's canonical requests and signatures", async t => {
  const scope = { date: '20130524', region: 'us-east-1', service: 's3' }
  const secret = new Secret('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')
  const key = keys.keyFor(secret, 'AKIAIOSFODNN7EXAMPLE', scope)
  for (const example of [...HEADER_EXAMPLES, CHUNKED_EXAMPLE, TRAILER_EXAMPLE]) {
    const [path = '', query = ''] = example.target.split('?')
    const headers = headersFromRaw(example.rawHeaders)
    const canonical = canonicalRequest({
      method: example.method,
      path: path.replace('$', '%24'),
      query: canonicalQuery(parseQuery(query)),
      headers,
      signedHeaders: example.signedHeaders.split(';'),
      payloadHash: headers.get('x-amz-content-sha256') ?? '',
    })
    const hash = createHash('sha256').update(canonical).digest('hex')
    t.equal(hash, example.canonicalHash, example.name)
    const text = stringToSign(EXAMPLE_DATE, scope, canonical)
    t.equal(signatureOf(key, text), example.signature, example.name)
  }
})

t.test("the cases of AWS's SigV4 suite have its signatures", async t => {
  const key = keys.keyFor(new Secret(SUITE_KEY.secretAccessKey), SUITE_KEY.accessKeyId, SUITE_SCOPE)
  for (const { name, method, path, query, rawHeaders, signature } of SUITE) {
    const headers = headersFromRaw(rawHeaders)
    const canonical = canonicalRequest({
      method,
      path,
      query: canonicalQuery(parseQuery(query)),
      headers,
      signedHeaders: [...headers.keys()].sort(),
      payloadHash: EMPTY_SHA256,
    })
    t.equal(signatureOf(key, stringToSign(SUITE_DATE, SUITE_SCOPE, canonical)), signature, name)
  }
})
