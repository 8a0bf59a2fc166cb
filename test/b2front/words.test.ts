import fc from 'fast-check'
import t from 'tap'
import {
  infoHeaders,
  infoName,
  infoOf,
  infoOfField,
  infoOfHeaders,
  metadataName,
  metadataOf,
} from '../../lib/b2front/file-info.ts'
import {
  bucketIdOf,
  bucketOfId,
  fileIdOf,
  fileOfId,
  largeIdOf,
  largeOfId,
} from '../../lib/b2front/ids.ts'
import { before, comesBefore } from '../../lib/b2front/order.ts'

const name = fc
  .stringMatching(/^[a-z0-9_.-]{1,20}$/)
  .filter(each => !each.startsWith('b2-') && each !== '__proto__')
const value = fc.string({ unit: 'binary' }).filter(each => !/\p{Surrogate}/u.test(each))

t.test('names of file info survive a provider that gives each _ back as -', async t => {
  fc.assert(
    fc.property(name, each => {
      const written = metadataName(each)
      return !written.includes('_') && infoName(written) === each
    }),
  )
  t.equal(metadataName('src_last_modified_millis'), 'src--last--modified--millis')
  t.equal(metadataName('a-b__c'), 'a-b---uu---c')
})

t.test('file info comes back as it was, by headers and by documents', async t => {
  fc.assert(
    fc.property(fc.dictionary(name, value, { maxKeys: 5 }), info => {
      const headers = new Map(metadataOf(infoOfField(info), 'abc'))
      for (const text of headers.values()) if (!/^[\x20-\x7e]*$/.test(text)) return false
      const back = infoOf(headers)
      const again = infoOfHeaders(new Map(infoHeaders(headers)))
      return (
        JSON.stringify(Object.entries(back).sort()) ===
          JSON.stringify(Object.entries(info).sort()) &&
        JSON.stringify(Object.entries(again).sort()) === JSON.stringify(Object.entries(info).sort())
      )
    }),
  )
  const said = { 'b2-content-disposition': 'attachment; filename="ü"', 'B2-Expires': 'never' }
  const headers = new Map(metadataOf(infoOfField(said)))
  t.match([...headers.keys()], ['content-disposition', 'expires'])
  t.strictSame(infoOf(headers), {
    'b2-content-disposition': 'attachment; filename="ü"',
    'b2-expires': 'never',
  })
  t.strictSame(infoOf(new Map([['x-amz-meta-a', '=?UTF-8?Q?caf=C3=A9_au?=']])), { a: 'café au' })
  t.strictSame(infoOf(new Map([['x-amz-meta-a', 'caf\xc3\xa9']])), { a: 'café' })
})

t.test('file info that B2 does not allow, or no header takes, is refused', async t => {
  for (const wrong of [
    { 'b2-content-sha1': 'x' },
    { 'a b': 'x' },
    { a: 1 },
    { a: '\ud800' },
    { a: '1', A: '2' },
    [],
  ])
    t.throws(() => infoOfField(wrong), { code: 'InvalidRequest' }, JSON.stringify(wrong))
  const split = infoOfField({ 'b2-expires': 'x\r\nx-amz-acl: public-read' })
  t.throws(() => metadataOf(split), { code: 'InvalidRequest' })
})

t.test('ids say what they are of, and nothing else reads as one', async t => {
  const place = { bucket: 'photos', objectKey: 'a/ü b' }
  t.equal(bucketOfId(bucketIdOf('photos')), 'photos')
  t.strictSame(fileOfId(fileIdOf(place, 'v1', '"e"')), {
    ...place,
    versionId: 'v1',
    etag: undefined,
  })
  t.strictSame(fileOfId(fileIdOf(place, 'null', '"e"')), {
    ...place,
    versionId: 'null',
    etag: 'e',
  })
  t.strictSame(largeOfId(largeIdOf({ ...place, uploadId: 'u' })), { ...place, uploadId: 'u' })
  t.throws(() => largeOfId(fileIdOf(place, 'v1', undefined)), { name: 'UpstreamRefusal' })
  for (const id of ['', 'b_', 'b_Li4', 'bucket_0']) t.throws(() => bucketOfId(id), id)
  const traversal = Buffer.from(JSON.stringify(['../x', 'y'])).toString('base64url')
  for (const id of ['', '4_z1', '4_F', '4_Fe30', `4_F${traversal}`])
    t.throws(() => fileOfId(id), id)
})

t.test('a listing that begins behind the name before begins with the name', async t => {
  const text = fc
    .string({ unit: 'binary', minLength: 1 })
    .filter(each => !/\p{Surrogate}/u.test(each))
  fc.assert(fc.property(text, each => comesBefore(before(each), each)))
  t.equal(before('b'), 'a\u{10ffff}')
  t.equal(before('a\ue000'), 'a\ud7ff\u{10ffff}')
})
