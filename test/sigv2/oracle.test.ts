import fc from 'fast-check'
import t from 'tap'
import { uriEncode, uriEncodeKey } from '../../lib/s3/encoding.ts'
import { Secret } from '../../lib/s3/secret.ts'
import { type Flavour, OBS_FLAVOUR, SIGV2_FLAVOUR } from '../../lib/sigv2/flavour.ts'
import { signatureOf, stringsToSign } from '../../lib/sigv2/string-to-sign.ts'
import { sdkAuthorization } from '../support/obs-sdk.ts'

const SECRET = 'a secret of tests'

const value = fc.string({ unit: 'grapheme-ascii', maxLength: 12 }).map(text => text.trim())
const parameter = fc.record({
  name: fc.constantFrom('acl', 'uploadId', 'versionId', 'prefix', 'partNumber', 'encryption'),
  value: fc.string({ unit: 'grapheme', maxLength: 8 }).filter(text => !/[&=]/.test(text)),
})

const cases = (flavour: Flavour) =>
  fc.record({
    method: fc.constantFrom('GET', 'PUT', 'POST', 'HEAD', 'DELETE'),
    objectKey: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
    query: fc.uniqueArray(parameter, { selector: ({ name }) => name, maxLength: 4 }),
    md5: fc.option(fc.constant('5DKh5iefM5MSKvRILIuFwQ=='), { nil: undefined }),
    type: fc.option(value, { nil: undefined }),
    special: fc.dictionary(
      fc
        .constantFrom('acl', 'meta-a', 'meta-B', 'security-token', 'copy-source', 'storage-class')
        .map(name => `${flavour.prefix}${name.toLowerCase()}`),
      value,
    ),
  })

for (const flavour of [OBS_FLAVOUR, SIGV2_FLAVOUR]) {
  t.test(`${flavour.scheme}: signs as the vendor's SDK does, whatever is signed`, async () => {
    fc.assert(
      fc.property(cases(flavour), ({ method, objectKey, query, md5, type, special }) => {
        const date = 'Fri, 20 Nov 2026 18:28:47 GMT'
        const uri = `/bucket/${uriEncodeKey(objectKey)}`
        const signed = [...query].sort((a, b) => (a.name < b.name ? -1 : 1))
        const urlPath = signed.map(each =>
          each.value === '' ? each.name : `${each.name}=${uriEncode(each.value)}`,
        )
        const authorization = sdkAuthorization(
          flavour.scheme,
          {
            method,
            uri,
            urlPath: urlPath.length === 0 ? '' : `?${urlPath.join('&')}`,
            headers: {
              ...special,
              ...(md5 === undefined ? {} : { 'Content-MD5': md5 }),
              ...(type === undefined ? {} : { 'Content-Type': type }),
              Date: date,
            },
          },
          'AK',
          SECRET,
        )
        const headers = new Map([
          ...Object.entries(special),
          ...(md5 === undefined ? [] : [['content-md5', md5] as const]),
          ...(type === undefined ? [] : [['content-type', type] as const]),
          ['date', date] as const,
        ])
        const ours = stringsToSign(
          { method, headers, resource: uri, query, expires: undefined },
          flavour,
        ).map(text => `${flavour.scheme} AK:${signatureOf(new Secret(SECRET), text)}`)
        return ours.includes(authorization)
      }),
      { numRuns: 500 },
    )
  })
}

t.test('the scheme’s own date stands in place of the date', async t => {
  const parts = { method: 'GET', resource: '/b/k', query: [], expires: undefined }
  const dated = new Map([
    ['date', 'ignored'],
    ['x-obs-date', 'Fri, 20 Nov 2026 18:28:47 GMT'],
  ])
  t.strictSame(stringsToSign({ ...parts, headers: dated }, OBS_FLAVOUR), [
    'GET\n\n\n\nx-obs-date:Fri, 20 Nov 2026 18:28:47 GMT\n/b/k',
  ])
})
