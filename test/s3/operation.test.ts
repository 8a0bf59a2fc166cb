import t from 'tap'
import { type Address, parseAddress } from '../../lib/s3/address.ts'
import { OPERATIONS, recognise } from '../../lib/s3/operation.ts'
import { parseQuery } from '../../lib/s3/query.ts'

const ask = (method: string, target: string, headers: Readonly<Record<string, string>> = {}) => {
  const [path = '', query = ''] = target.split('?')
  const address: Address = parseAddress('h', path, [])
  return recognise(method, address, parseQuery(query), new Map(Object.entries(headers)))
}
const copy = { 'x-amz-copy-source': 'b/k' }
const form = { 'content-type': 'Multipart/Form-Data; boundary=x' }

t.test('requests are recognised by method, level, sub-resource and copy source', async t => {
  const cases: readonly (readonly [string, string, string, Record<string, string>?])[] = [
    ['GET', '/', 'ListBuckets'],
    ['GET', '/b', 'ListObjects'],
    ['GET', '/b?list-type=2&prefix=a', 'ListObjectsV2'],
    ['GET', '/b?versions', 'ListObjectVersions'],
    ['GET', '/b?uploads', 'ListMultipartUploads'],
    ['GET', '/b?analytics&id=1', 'GetBucketAnalyticsConfiguration'],
    ['HEAD', '/b', 'HeadBucket'],
    ['POST', '/b?delete', 'DeleteObjects'],
    ['POST', '/b', 'PostObject', form],
    ['POST', '/b?delete', 'DeleteObjects', form],
    ['GET', '/b/k', 'GetObject'],
    ['GET', '/b/k?versionId=1&response-content-type=a', 'GetObject'],
    ['GET', '/b/k?x-id=GetObject', 'GetObject'],
    ['GET', '/b/k?partNumber=1', 'GetObject'],
    ['GET', '/b/k?attributes', 'GetObjectAttributes'],
    ['GET', '/b/k?uploadId=1', 'ListParts'],
    ['PUT', '/b/k', 'PutObject'],
    ['PUT', '/b/k', 'CopyObject', copy],
    ['PUT', '/b/k?partNumber=1&uploadId=1', 'UploadPart'],
    ['PUT', '/b/k?partNumber=1&uploadId=1', 'UploadPartCopy', copy],
    ['POST', '/b/k?uploads', 'CreateMultipartUpload'],
    ['POST', '/b/k?uploadId=1', 'CompleteMultipartUpload'],
    ['POST', '/b/k?select&select-type=2', 'SelectObjectContent'],
    ['DELETE', '/b/k?uploadId=1', 'AbortMultipartUpload'],
    ['DELETE', '/b/k', 'DeleteObject'],
    ['PUT', '/b/k?acl', 'PutObjectAcl'],
  ]
  for (const [method, target, name, headers] of cases) {
    t.equal(ask(method, target, headers).name, name, `${method} ${target}`)
  }
})

t.test('what the table does not know is never taken for an object', async t => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['GET', '/b/k?torent', 'NotImplemented'],
    ['PUT', '/b/k?renameObject', 'NotImplemented'],
    ['PUT', '/b/k?encryption', 'NotImplemented'],
    ['GET', '/b?session', 'NotImplemented'],
    ['GET', '/b/k?annotation=a', 'NotImplemented'],
    ['GET', '/b/k?copy', 'NotImplemented'],
    ['POST', '/b?form', 'NotImplemented'],
    ['POST', '/b', 'MethodNotAllowed'],
    ['POST', '/', 'MethodNotAllowed'],
    ['PATCH', '/b/k', 'MethodNotAllowed'],
    ['DELETE', '/', 'MethodNotAllowed'],
  ]
  for (const [method, target, code] of cases) {
    t.throws(() => ask(method, target), { code }, `${method} ${target}`)
  }
})

t.test('the triples stand exactly where AWS’s model has them', async t => {
  const named = (trait: 'object' | 'source' | 'echo') =>
    OPERATIONS.filter(operation => operation[trait])
      .map(({ name }) => name)
      .sort()
  t.strictSame(named('object'), [
    'CompleteMultipartUpload',
    'CopyObject',
    'CreateMultipartUpload',
    'GetObject',
    'GetObjectAttributes',
    'HeadObject',
    'ListParts',
    'PostObject',
    'PutObject',
    'SelectObjectContent',
    'UploadPart',
    'UploadPartCopy',
  ])
  t.strictSame(named('source'), ['CopyObject', 'UploadPartCopy'])
  t.strictSame(named('echo'), [
    'CopyObject',
    'CreateMultipartUpload',
    'GetObject',
    'HeadObject',
    'PostObject',
    'PutObject',
    'UploadPart',
    'UploadPartCopy',
  ])
})
