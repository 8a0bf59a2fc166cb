import { createHash, randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { sendRaw } from '../support/client.ts'
import { type GoogSending, sendGoog } from '../support/goog-client.ts'
import { googleStorage, HMAC } from '../support/google-storage.ts'
import { testAtEach } from './at-site.ts'
import { APP, masterKey, type Site, startProxy } from './proxy.ts'

// Apps that were written for Cloud Storage, before providers that never heard of it.

const PART = 5 * 1024 * 1024
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64')

/** Sends as the app, and gives the answer when it is a good one. */
const askerAt =
  (site: Site) =>
  async (sending: GoogSending): ReturnType<typeof sendGoog> => {
    const answer = await sendGoog(site.http.origin, { ...sending, credentials: APP })
    if (answer.status < 300) return answer
    throw new Error(`${sending.method} ${sending.path}: ${answer.status} ${answer.text}`)
  }

const text = (xml: string, name: string): string =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? ''

const playObjects = async (t: Test, site: Site): Promise<void> => {
  const ask = askerAt(site)
  const path = `/${site.bucket}/dir/a%20b`
  const headers = { 'x-goog-meta-colour': 'blue', 'content-type': 'text/plain' }
  const md5 = createHash('md5').update('hello goog').digest('base64')
  const put = await ask({
    method: 'PUT',
    path,
    headers: { ...headers, 'x-goog-hash': `md5=${md5}` },
    body: 'hello goog',
  })
  const ours = sha256(Buffer.from(masterKey('v1'), 'base64'))
  t.equal(put.headers['x-goog-encryption-key-sha256'], ours, 'named by the SHA-256 of the key')
  const got = await ask({ path })
  t.equal(got.text, 'hello goog')
  t.match(got.headers, headers)
  t.match(await ask({ method: 'HEAD', path }), { headers: { 'x-goog-meta-colour': 'blue' } })
  const copy = `/${site.bucket}/copy`
  await ask({ method: 'PUT', path: copy, headers: { 'x-goog-copy-source': path } })
  t.match(await ask({ path: copy }), { text: 'hello goog', headers })
  const lost = await sendGoog(site.http.origin, { path: `${path}x`, credentials: APP })
  t.match(lost, { status: 404, text: /NoSuchKey/ })
}

const playParts = async (t: Test, site: Site): Promise<void> => {
  const ask = askerAt(site)
  const path = `/${site.bucket}/in-parts`
  const begun = await ask({ method: 'POST', path, query: { uploads: '' } })
  const uploadId = text(begun.text, 'UploadId')
  const bytes = [randomBytes(PART), randomBytes(1000)]
  const parts: string[] = []
  for (const [at, body] of bytes.entries()) {
    const query = { partNumber: String(at + 1), uploadId }
    const { headers } = await ask({ method: 'PUT', path, query, body })
    const etag = headers.etag
    parts.push(`<Part><PartNumber>${at + 1}</PartNumber><ETag>${etag}</ETag></Part>`)
  }
  const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`
  await ask({ method: 'POST', path, query: { uploadId }, body })
  t.ok((await ask({ path })).body.equals(Buffer.concat(bytes)))
}

/** URLs as Google's own library signs them. It signs the host without its port, so that is how they are asked. */
const playUrls = async (t: Test, site: Site): Promise<void> => {
  const { hostname: host } = new URL(site.http.origin)
  const file = googleStorage(APP, site.http.origin).bucket(site.bucket).file('signed ü')
  const urlTo = async (action: 'read' | 'write' | 'delete'): Promise<string> => {
    const expires = Date.now() + 60_000
    const [url] = await file.getSignedUrl({ version: 'v4', action, expires, queryParams: HMAC })
    const { pathname, search } = new URL(url)
    return pathname + search
  }
  const put = await urlTo('write')
  const headers = { host, 'content-length': '4' }
  const stored = await sendRaw(site.http.origin, 'PUT', put, headers, 'four')
  t.equal(stored.status, 200, stored.text)
  t.equal((await sendRaw(site.http.origin, 'GET', await urlTo('read'), { host })).text, 'four')
  t.equal((await sendRaw(site.http.origin, 'GET', put, { host })).status, 403)
}

const playEnd = async (t: Test, site: Site): Promise<void> => {
  const ask = askerAt(site)
  const { bucket } = site
  const { text } = await ask({ path: `/${bucket}`, query: { prefix: 'dir/' } })
  t.match(text, '<Key>dir/a b</Key>')
  const keys = ['dir/a b', 'copy', 'in-parts', 'signed ü']
  for (const objectKey of keys) {
    const { status } = await site.provider.read({ bucket, objectKey })
    t.equal(status, 400, `${objectKey} is not given without a key`)
    await ask({ method: 'DELETE', path: `/${bucket}/${encodeURI(objectKey)}` })
  }
  await ask({ method: 'DELETE', path: `/${bucket}` })
}

await testAtEach(
  ['rgw-tls', 'minio', 'embedded'],
  async (t, site) => {
    const proxy = await startProxy(site)
    t.teardown(() => proxy.stop())
    await askerAt(site)({ method: 'PUT', path: `/${site.bucket}` })
    await t.test('objects and copies', t => playObjects(t, site))
    await t.test('uploads in parts', t => playParts(t, site))
    await t.test('signed URLs of @google-cloud/storage', t => playUrls(t, site))
    await t.test('lists and deletes; all was encrypted', t => playEnd(t, site))
  },
  { signatures: ['goog4'] },
)
