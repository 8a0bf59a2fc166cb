import t from 'tap'
import { headersFromRaw } from '../../lib/s3/headers.ts'
import { parseQuery } from '../../lib/s3/query.ts'
import { Secret } from '../../lib/s3/secret.ts'
import { type Flavour, OBS_FLAVOUR, SIGV2_FLAVOUR } from '../../lib/sigv2/flavour.ts'
import {
  type SignedParts,
  signatureOf,
  signedResource,
  stringsToSign,
  stringToSign,
} from '../../lib/sigv2/string-to-sign.ts'
import { CAPTURE_OBS_KEY, captureFiles, captureText, readCaptures } from '../captures.ts'

const secret = new Secret(CAPTURE_OBS_KEY.secretAccessKey)
const files = captureFiles().filter(file => file.startsWith('esdk-obs-'))

interface Recorded {
  readonly name: string
  readonly flavour: Flavour
  readonly parts: SignedParts
  readonly signature: string
}

const recorded: readonly Recorded[] = files.flatMap(readCaptures).flatMap(capture => {
  const headers = headersFromRaw(capture.rawHeaders)
  const [scheme, credential = ''] = (headers.get('authorization') ?? '').split(' ')
  const flavour = [OBS_FLAVOUR, SIGV2_FLAVOUR].find(each => each.scheme === scheme)
  if (flavour === undefined) return []
  const [path = '', query = ''] = capture.target.split('?')
  const hosted = headers.get('host')?.startsWith('b.') ? 'b' : undefined
  return [
    {
      name: capture.name,
      flavour,
      parts: {
        method: capture.method,
        headers,
        resource: signedResource(hosted, path),
        query: parseQuery(query),
        expires: undefined,
      },
      signature: credential.slice(credential.indexOf(':') + 1),
    },
  ]
})

t.test('every header signature that the vendor’s SDK sent is found again', async t => {
  t.equal(recorded.filter(({ flavour }) => flavour === OBS_FLAVOUR).length, 72)
  t.equal(recorded.filter(({ flavour }) => flavour === SIGV2_FLAVOUR).length, 18)
  for (const { name, flavour, parts, signature } of recorded) {
    const signatures = stringsToSign(parts, flavour).map(text => signatureOf(secret, text))
    t.ok(signatures.includes(signature), name)
  }
})

t.test('no signature is found again when a signed header or the path has changed', async t => {
  for (const { name, flavour, parts, signature } of recorded) {
    const signatures = (changed: SignedParts): string[] =>
      stringsToSign(changed, flavour).map(text => signatureOf(secret, text))
    const other = { ...parts, resource: `${parts.resource}x` }
    t.notOk(signatures(other).includes(signature), `${name} path`)
    const added = new Map([...parts.headers, [`${flavour.prefix}acl`, 'public-read']])
    t.notOk(signatures({ ...parts, headers: added }).includes(signature), `${name} header`)
    const uploads = [...parts.query, { name: 'versionId', value: 'other' }]
    t.notOk(signatures({ ...parts, query: uploads }).includes(signature), `${name} query`)
  }
})

interface SignedUrl {
  readonly ActualSignedRequestHeaders: Readonly<Record<string, string>>
  readonly SignedUrl: string
}

const urls = files.flatMap(file =>
  [
    ...captureText(file).matchAll(
      /createSignedUrlSync (GET|PUT) \(temporary signed URL\)\n(\{[\s\S]*?\n\})/g,
    ),
  ].map(([, method = '', json = '']) => ({ file, method, signed: JSON.parse(json) as SignedUrl })),
)

t.test('every signed URL that the vendor’s SDK made is found again', async t => {
  t.ok(urls.length >= 10)
  for (const { file, method, signed } of urls) {
    const url = new URL(signed.SignedUrl)
    const flavour = url.searchParams.has('AWSAccessKeyId') ? SIGV2_FLAVOUR : OBS_FLAVOUR
    const headers = headersFromRaw(Object.entries(signed.ActualSignedRequestHeaders).flat())
    const text = stringToSign(
      {
        method,
        headers,
        resource: signedResource(url.hostname.startsWith('b.') ? 'b' : undefined, url.pathname),
        query: parseQuery(url.search.slice(1)),
        expires: url.searchParams.get('Expires') ?? '',
      },
      flavour,
    )
    t.equal(signatureOf(secret, text), url.searchParams.get('Signature'), `${file} ${method}`)
  }
})

t.test('every form policy that the vendor’s SDK signed is found again', async t => {
  const forms = files.flatMap(file => [
    ...captureText(file).matchAll(/"Policy": "([^"]+)",\s*"Signature": "([^"]+=)"/g),
  ])
  t.ok(forms.length > 0)
  for (const [, policy = '', signature] of forms) t.equal(signatureOf(secret, policy), signature)
})
