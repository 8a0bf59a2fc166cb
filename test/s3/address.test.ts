import fc from 'fast-check'
import t from 'tap'
import { copySourceText, parseAddress, parseCopySource, pathStyle } from '../../lib/s3/address.ts'

const object = (bucket: string, objectKey: string) => ({ level: 'object', bucket, objectKey })

t.test('addresses are read in both styles, and paths stay as received', async t => {
  const domains = ['s3.example', 'other.example']
  const cases: readonly (readonly [host: string, path: string, expected: object])[] = [
    ['s3.example', '/', { level: 'service' }],
    ['s3.example', '/bucket', { level: 'bucket', bucket: 'bucket' }],
    ['s3.example', '/bucket/', { level: 'bucket', bucket: 'bucket' }],
    ['s3.example', '/bucket/key', object('bucket', 'key')],
    ['s3.example', '/bucket//key', object('bucket', '/key')],
    ['s3.example', '/bucket/../key', object('bucket', '../key')],
    ['s3.example', '/bucket/a%20b%2Fc+d', object('bucket', 'a b/c+d')],
    ['s3.example', '/bucket/%C3%A9', object('bucket', 'é')],
    ['bucket.s3.example', '/', { level: 'bucket', bucket: 'bucket' }],
    ['bucket.s3.example:9000', '/key', object('bucket', 'key')],
    ['a.b.other.example', '/key/', object('a.b', 'key/')],
    ['BUCKET.S3.EXAMPLE', '/key', object('bucket', 'key')],
    ['127.0.0.1:9000', '/tenant:bucket/key', object('tenant:bucket', 'key')],
  ]
  for (const [host, path, expected] of cases) {
    t.strictSame(parseAddress(host, path, domains), expected, `${host} ${path}`)
  }
})

t.test('what is no address is refused', async t => {
  const cases: readonly (readonly [path: string, code: string])[] = [
    ['//key', 'InvalidBucketName'],
    ['/../key', 'InvalidBucketName'],
    ['/a%2Fb/key', 'InvalidBucketName'],
    ['/bucket/%zz', 'InvalidURI'],
    ['/bucket/%', 'InvalidURI'],
    ['/bucket/%ff', 'InvalidURI'],
    ['bucket/key', 'InvalidURI'],
    ['http://host/bucket', 'InvalidURI'],
  ]
  for (const [path, code] of cases) {
    t.throws(() => parseAddress('h', path, []), { code }, path)
  }
})

t.test('every key comes back from its path', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), objectKey => {
      const address = parseAddress('h', pathStyle({ level: 'object', bucket: 'b', objectKey }), [])
      return address.level === 'object' && address.objectKey === objectKey
    }),
  )
})

t.test('copy sources', async t => {
  const place = { bucket: 'b', objectKey: 'k/a b', versionId: undefined }
  t.strictSame(parseCopySource('b/k/a%20b'), place)
  t.strictSame(parseCopySource('/b/k/a%20b'), place)
  t.strictSame(parseCopySource('b%2Fk/a%20b'), place, 'as esdk-obs writes it')
  t.strictSame(parseCopySource('b/k?versionId=v%2F1'), {
    ...place,
    objectKey: 'k',
    versionId: 'v/1',
  })
  t.strictSame(parseCopySource('b/k/a+b'), place, 'as for a form')
  t.equal(parseCopySource('b/a%2Bb').objectKey, 'a+b')
  t.equal(parseCopySource('b/a?b?versionId=v').objectKey, 'a?b')
  for (const bad of ['', 'b', '/b', 'b/', '/']) {
    t.throws(() => parseCopySource(bad), { code: 'InvalidArgument' }, bad)
  }
  // What would be no bucket to the provider.
  for (const bad of ['b%3Facl/k', 'b%23/k', '../k', 'b%0Ac/k']) {
    t.throws(() => parseCopySource(bad), { code: 'InvalidBucketName' }, bad)
  }
  const accessPoint = 'arn:aws:s3:eu-central-1:123456789012:accesspoint/a/object/k'
  for (const arn of [accessPoint, encodeURIComponent(accessPoint)]) {
    t.throws(() => parseCopySource(arn), { code: 'NotImplemented' }, arn)
  }
})

t.test('a copy source is read as it was written', async () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.option(fc.string(), { nil: undefined }),
      (objectKey, versionId) => {
        const source = { bucket: 'b', objectKey, versionId }
        t.strictSame(parseCopySource(copySourceText(source)), source)
      },
    ),
  )
})
