import type { Test } from 'tap'
import { testAtEach } from './at-site.ts'
import { type Site, startCommand, startProxy, type UpstreamName } from './proxy.ts'

type Row = readonly [outcome: string, seen: RegExp]

/** What every provider of the tests shows. */
const COMMON: Readonly<Record<string, Row>> = {
  dns: ['ok', /127\.0\.0\.1 is an address/],
  credentials: ['ok', /accepted/],
  clock: ['ok', /provider/],
  bucket: ['ok', /made for this and removed after/],
  blocked: ['ok', /blocks no SSE-C/],
  write: ['ok', /MD5 echoed/],
  read: ['ok', /with the echo/],
  multipart: ['ok', /^encrypted;/],
  'clean-up': ['ok', /nothing is left behind/],
}

/** As MinIO answers, which is as AWS does. */
const AS_AWS: Readonly<Record<string, Row>> = {
  'wrong-key': ['ok', /403 AccessDenied/],
  'no-key': ['ok', /400 InvalidRequest/],
  'plaintext-with-key': ['ok', /400 InvalidRequest/],
  'copy-plain-to-key': ['ok', /encrypted as asked/],
  'copy-key-to-key': ['ok', /encrypted as asked/],
  'upload-part-copy': ['ok', /same key 200, other key 200/],
  trailers: ['ok', /taken/],
  checksums: ['ok', /refused/],
  etag: ['ok', /no MD5/],
  'part-number': ['ok', /206/],
  attributes: ['ok', /told/],
  'if-match': ['ok', /honoured/],
}

// The certificates of a run are good for a day, of which the doctor warns.
const EXPECTED: Readonly<Record<Exclude<UpstreamName, 'rgw-http'>, Readonly<Record<string, Row>>>> =
  {
    embedded: { ...COMMON, ...AS_AWS, tls: ['note', /plain http/] },
    minio: { ...COMMON, ...AS_AWS, tls: ['note', /TLSv1\.3, certificate good for 1 days/] },
    'rgw-tls': {
      ...COMMON,
      tls: ['note', /TLSv1\.[23], certificate good for 1 days/],
      'wrong-key': ['ok', /400 InvalidArgument/],
      'no-key': ['ok', /400 InvalidArgument/],
      'plaintext-with-key': ['note', /200 without echo/],
      'copy-plain-to-key': ['note', /STORED IN PLAINTEXT/],
      'copy-key-to-key': ['note', /refused: 501 NotImplemented/],
      'upload-part-copy': ['note', /same key 200, other key 400/],
      trailers: ['note', /.*/],
      checksums: ['note', /answered 200/],
      etag: ['ok', /the MD5 of the bytes/],
      'part-number': ['note', /200/],
      attributes: ['note', /200/],
      'if-match': ['ok', /honoured/],
    },
  }

const testTable = async (t: Test, site: Site): Promise<void> => {
  const { code, out, err } = await startCommand(site, ['doctor', '--json']).outcome
  t.equal(code, 0, `no fault ${err}`)
  const findings = out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  const expected = EXPECTED[site.upstream === 'rgw-http' ? 'rgw-tls' : site.upstream]
  t.strictSame(findings.map(({ check }) => check).sort(), Object.keys(expected).sort())
  for (const { check, outcome, seen } of findings) {
    const [wanted, words] = expected[check] ?? ['unknown', /^$/]
    t.equal(outcome, wanted, `${check}: ${seen}`)
    t.match(seen, words, check)
  }
}

const testTidy = async (t: Test, site: Site): Promise<void> => {
  const bucket = `${site.bucket}-tidy`
  await site.provider.createBucket(bucket)
  const { code, out } = await startCommand(site, ['doctor', `s3://${bucket}/under/it`]).outcome
  t.equal(code, 0)
  t.match(out, /^ok +clean-up +nothing is left behind$/m)
  t.strictSame(await site.provider.list(bucket), [])
  t.strictSame(await site.provider.listUploads(bucket), [])
}

await testAtEach(['rgw-tls', 'minio', 'embedded'], async (t, site) => {
  const proxy = await startProxy(site)
  t.teardown(() => proxy.stop())
  await t.test('finds what there is to know', t => testTable(t, site))
  await t.test('leaves nothing behind in a bucket that it was given', t => testTidy(t, site))
})
