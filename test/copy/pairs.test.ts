import t from 'tap'
import { send } from '../support/client.ts'
import {
  bytesOf,
  MAIN_NEW,
  MAIN_OLD,
  MIB,
  OTHER,
  type Stage,
  startStage,
  textOf,
  tripleOf,
} from './stage.ts'

/** Every source that a copy can meet: in which bucket, and what it is encrypted with. */
const SOURCES: readonly (readonly [name: string, bucket: string, key: string | undefined])[] = [
  ['the newest key', 'main', MAIN_NEW],
  ['an older key', 'main', MAIN_OLD],
  ['another rule’s key', 'other', OTHER],
  ['plaintext under a rule', 'main', undefined],
  ['a passthrough bucket', 'plain', undefined],
]

const DESTINATIONS: readonly (readonly [bucket: string, key: string | undefined])[] = [
  ['main', MAIN_NEW],
  ['other', OTHER],
  ['plain', undefined],
]

/** Who carries the copy out. */
const ABILITIES = ['full', 'same-key-parts', 'none'] as const

const pathOf = (bucket: string, key: string | undefined): string =>
  `/${bucket}/${(key ?? 'plain').replace('/', '-')}`

const putSources = async ({ direct }: Stage, body: Buffer): Promise<void> => {
  for (const [, bucket, key] of SOURCES) {
    const path = pathOf(bucket, key)
    await direct({ method: 'PUT', path, body, headers: tripleOf(key) })
  }
}

const pairs = SOURCES.flatMap(source =>
  DESTINATIONS.map(destination => [source, destination] as const),
)

t.test('CopyObject between any two keys, and none', async t => {
  const stage = await startStage(t)
  const body = bytesOf(20_000)
  await putSources(stage, body)
  for (const ability of ABILITIES) {
    const proxy = await stage.proxy({ copy: ability })
    for (const [[name, from, sourceKey], [to, key]] of pairs) {
      const label = `${ability}: ${name} → ${to}`
      const path = `/${to}/copy`
      const headers = { 'x-amz-copy-source': pathOf(from, sourceKey) }
      const copied = await send(proxy.origin, { method: 'PUT', path, headers })
      t.equal(copied.status, 200, label)
      const stored = await stage.direct({ path, headers: tripleOf(key) })
      t.ok(stored.body.equals(body), `${label}: the very bytes, with the very key`)
      const seen = await send(proxy.origin, { method: 'HEAD', path })
      t.equal(textOf(copied, 'ETag')?.replaceAll('&quot;', '"'), seen.headers.etag, label)
      const shown = copied.headers['x-amz-server-side-encryption-customer-key-md5']
      t.equal(shown, tripleOf(key)['x-amz-server-side-encryption-customer-key-md5'], label)
      if (key !== undefined) t.equal((await stage.direct({ path })).status, 400, `${label}: locked`)
    }
  }
})

t.test('UploadPartCopy between any two keys, and none', async t => {
  const stage = await startStage(t)
  const body = bytesOf(20_000)
  await putSources(stage, body)
  for (const ability of ABILITIES) {
    const proxy = await stage.proxy({ copy: ability })
    for (const [[name, from, sourceKey], [to, key]] of pairs) {
      const label = `${ability}: ${name} → ${to}`
      const path = `/${to}/parts`
      const created = await send(proxy.origin, { method: 'POST', path, query: { uploads: '' } })
      const uploadId = textOf(created, 'UploadId') ?? ''
      const copied = await send(proxy.origin, {
        method: 'PUT',
        path,
        query: { partNumber: '1', uploadId },
        headers: {
          'x-amz-copy-source': pathOf(from, sourceKey),
          'x-amz-copy-source-range': 'bytes=1-19998',
        },
      })
      t.equal(copied.status, 200, label)
      const etag = textOf(copied, 'ETag')
      const completed = await send(proxy.origin, {
        method: 'POST',
        path,
        query: { uploadId },
        body: `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`,
      })
      t.equal(completed.status, 200, label)
      const stored = await stage.direct({ path, headers: tripleOf(key) })
      t.ok(stored.body.equals(body.subarray(1, 19_999)), `${label}: the range, with the very key`)
    }
  }
})

t.test('a copy by parts, at every border of a part', async t => {
  const stage = await startStage(t)
  const proxy = await stage.proxy({ copy: 'none', copyLimits: { whole: 5 * MIB, part: 5 * MIB } })
  const part = 5 * MIB
  for (const length of [0, 1, part - 1, part, part + 1, 2 * part, 2 * part + 1]) {
    const body = bytesOf(length, `by parts ${length}`)
    await stage.direct({ method: 'PUT', path: '/main/a', body, headers: tripleOf(MAIN_OLD) })
    const headers = { 'x-amz-copy-source': 'main/a' }
    const copied = await send(proxy.origin, { method: 'PUT', path: '/other/a', headers })
    t.equal(copied.status, 200, `${length} bytes`)
    const stored = await stage.direct({ path: '/other/a', headers: tripleOf(OTHER) })
    t.ok(stored.body.equals(body), `${length} bytes, byte for byte`)
    const count = Math.ceil(length / part)
    const suffix = count > 1 ? `-${count}` : ''
    t.match(stored.headers.etag, new RegExp(`^"[0-9a-f]{32}${suffix}"$`))
    t.match(proxy.lines.at(-1), { operation: 'CopyObject', copy: 'streamed', status: 200 })
  }
  t.strictSame(await stage.uploads('other'), [])
})

t.test('a copy may not read plaintext where the source’s rule denies it', async t => {
  const stage = await startStage(t)
  await stage.direct({ method: 'PUT', path: '/strict/a', body: 'plain' })
  for (const ability of ABILITIES) {
    const proxy = await stage.proxy({ copy: ability })
    for (const to of ['main', 'plain']) {
      const headers = { 'x-amz-copy-source': 'strict/a' }
      const copied = await send(proxy.origin, { method: 'PUT', path: `/${to}/copy`, headers })
      t.match(
        copied,
        { status: 403, text: /stored without SSE-C, and rule &apos;strict&apos;|rule 'strict'/ },
        ability,
      )
      t.equal((await stage.direct({ path: `/${to}/copy` })).status, 404, ability)
    }
  }
})
