import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { escapeXml } from '../../lib/s3/xml.ts'
import { type FieldList, signedFields } from '../form/browser.ts'
import { testAtEach } from './at-site.ts'
import { bytesOf } from './bytes.ts'
import { causeOf, run } from './command.ts'
import { APP, masterKey, READER, type Site, startProxy } from './proxy.ts'
import { ensurePackages } from './servers/debian.ts'
import { PROVIDER_USER } from './stage.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/bin/ssec-proxy.js', import.meta.url))
const KEY = masterKey('v1')
const KEY_MD5 = createHash('md5').update(Buffer.from(KEY, 'base64')).digest('base64')

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const launch = async (): Promise<Browser> => {
  await ensurePackages(['chromium'])
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS, timeout: 120_000 })
}

const presign = (
  site: Site,
  method: 'GET' | 'PUT',
  objectKey: string,
  query = '',
): Promise<string> =>
  run(
    process.execPath,
    [
      ...[PROGRAM, 'presign', method, `s3://${site.bucket}/${objectKey}${query}`],
      ...['--client', 'app', '--config', join(site.folder, 'config.yaml')],
    ],
    {
      env: {
        REAL_APP_SECRET: APP.secretAccessKey,
        REAL_READER_SECRET: READER.secretAccessKey,
        REAL_PROVIDER_ACCESS_KEY_ID: PROVIDER_USER.accessKeyId,
        REAL_PROVIDER_SECRET_ACCESS_KEY: PROVIDER_USER.secretAccessKey,
      },
    },
  )

/** A page of another origin than the proxy, which is all that a browser application has. */
const servePage = async (t: Test): Promise<string> => {
  const server = createServer((_, response) => {
    response
      .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
      .end('<!doctype html><title>page</title>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** Everything of the network that a page's owner can see in the browser. */
const watch = (page: Page): { readonly seen: string[]; settle(): Promise<unknown> } => {
  const seen: string[] = []
  const reading: Promise<unknown>[] = []
  const note = async (headers: Promise<Readonly<Record<string, string>>>): Promise<void> => {
    seen.push(JSON.stringify(await headers.catch(() => ({}))))
  }
  page.on('request', request => {
    seen.push(request.url())
    reading.push(note(request.allHeaders()))
  })
  page.on('response', response => void reading.push(note(response.allHeaders())))
  return { seen, settle: () => Promise.all(reading) }
}

interface Fetched {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly base64: string
}

/** What a script of the page does, and gets. */
const fetchIn = (
  page: Page,
  url: string,
  init: {
    readonly method?: string
    readonly headers?: Record<string, string>
    readonly base64?: string
  } = {},
): Promise<Fetched> =>
  page.evaluate(
    async ([url, { base64, ...init }]) => {
      const bytesOf = (text: string) => Uint8Array.from(atob(text), each => each.charCodeAt(0))
      const answer = await fetch(url, {
        ...init,
        ...(base64 === undefined ? {} : { body: bytesOf(base64) }),
      })
      const bytes = new Uint8Array(await answer.arrayBuffer())
      const text = Array.from(bytes, byte => String.fromCharCode(byte)).join('')
      return {
        status: answer.status,
        headers: Object.fromEntries(answer.headers),
        base64: btoa(text),
      }
    },
    [url, init] as const,
  )

const bodyOf = ({ base64 }: Fetched): Buffer => Buffer.from(base64, 'base64')

const testFetch = async (t: Test, site: Site, page: Page): Promise<void> => {
  const bytes = bytesOf(300_000, 'browser')
  const place = { bucket: site.bucket, objectKey: 'dir/a b+ä.bin' }
  const put = await fetchIn(page, await presign(site, 'PUT', place.objectKey), {
    method: 'PUT',
    headers: { 'content-type': 'application/x-test' },
    base64: bytes.toString('base64'),
  })
  t.equal(put.status, 200)
  t.equal((await site.provider.read(place)).status, 400, 'encrypted at the provider')
  t.ok((await site.provider.read(place, KEY)).body.equals(bytes))
  const url = await presign(site, 'GET', place.objectKey)
  t.ok(bodyOf(await fetchIn(page, url)).equals(bytes))
  const part = await fetchIn(page, url, { headers: { range: 'bytes=100000-100099' } })
  t.equal(part.status, 206)
  t.ok(bodyOf(part).equals(bytes.subarray(100_000, 100_100)))
  const named = await presign(site, 'GET', place.objectKey, '?response-content-type=text/plain')
  t.equal((await fetchIn(page, named)).headers['content-type'], 'text/plain')
}

/** A minute and more of silence, as PCM in a RIFF file: any Chromium plays that. */
const wave = (): Buffer => {
  const [rate, seconds] = [8000, 100]
  const head = Buffer.alloc(44)
  head.write('RIFF')
  head.writeUInt32LE(36 + rate * seconds, 4)
  head.write('WAVEfmt ', 8)
  head.writeUInt32LE(16, 16)
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(1, 22)
  head.writeUInt32LE(rate, 24)
  head.writeUInt32LE(rate, 28)
  head.writeUInt16LE(1, 32)
  head.writeUInt16LE(8, 34)
  head.write('data', 36)
  head.writeUInt32LE(rate * seconds, 40)
  return Buffer.concat([head, Buffer.alloc(rate * seconds, 128)])
}

/** Runs in the page: plays from a place that is far behind what has been read. */
const SEEK = `async source => {
  const video = document.createElement('video')
  const event = name => new Promise((resolve, reject) => {
    video.addEventListener(name, resolve, { once: true })
    video.addEventListener('error', () => reject(new Error(video.error.message)))
  })
  const loaded = event('loadedmetadata')
  video.src = source
  await loaded
  const seeked = event('seeked')
  video.currentTime = 90
  await seeked
  return [video.duration, video.currentTime]
}`

const testVideo = async (t: Test, site: Site, page: Page): Promise<void> => {
  await site.provider.store({ bucket: site.bucket, objectKey: 'a.wav' }, wave(), KEY)
  const ranges: string[] = []
  page.on('response', response => {
    const range = response.headers()['content-range']
    if (range !== undefined) ranges.push(range)
  })
  const url = await presign(site, 'GET', 'a.wav', '?response-content-type=audio/wav')
  const times = await page.evaluate(`(${SEEK})(${JSON.stringify(url)})`)
  t.strictSame(times, [100, 90])
  t.not(ranges.length, 0, 'by ranges')
}

const formHtml = (action: string, fields: FieldList): string => {
  const inputs = fields.map(([name, value]) => `<input name="${name}" value="${escapeXml(value)}">`)
  return `<form action="${action}" method="post" enctype="multipart/form-data">
    ${inputs.join('')}<input type="file" name="file"><button>Go</button></form>`
}

const testForm = async (t: Test, site: Site, page: Page, home: string): Promise<void> => {
  const file = bytesOf(200_000, 'form')
  const place = { bucket: site.bucket, objectKey: 'form/photo ä.bin' }
  const fields = signedFields({
    fields: [
      ['key', 'form/\u0024{filename}'],
      ['success_action_redirect', home],
    ],
    conditions: [
      { bucket: site.bucket },
      ['starts-with', '$key', 'form/'],
      { success_action_redirect: home },
      ['content-length-range', 1, 300_000],
    ],
    credentials: APP,
  })
  await page.setContent(formHtml(`${site.http.origin}/${site.bucket}`, fields))
  const mimeType = 'application/octet-stream'
  await page.setInputFiles('input[type=file]', { name: 'photo ä.bin', mimeType, buffer: file })
  await page.click('button')
  await page.waitForURL(url => url.searchParams.has('etag'), { timeout: 60_000 })
  const { searchParams } = new URL(page.url())
  t.equal(searchParams.get('bucket'), site.bucket)
  t.equal(searchParams.get('key'), place.objectKey)
  t.equal((await site.provider.read(place)).status, 400, 'encrypted at the provider')
  t.ok((await site.provider.read(place, KEY)).body.equals(file))
}

const testKeyUnseen = (t: Test, seen: readonly string[]): void => {
  const text = seen.join('\n')
  const forms = [KEY, encodeURIComponent(KEY), Buffer.from(KEY, 'base64').toString('hex')]
  for (const form of forms) t.notOk(text.includes(form), 'the key is nowhere')
  t.ok(text.includes(KEY_MD5), 'its MD5 is')
}

const testBrowser = async (t: Test, site: Site, browser: Browser): Promise<void> => {
  const proxy = await startProxy(site)
  t.teardown(() => proxy.stop())
  await site.provider.createBucket(site.bucket)
  const home = await servePage(t)
  const page = await browser.newPage()
  const { seen, settle } = watch(page)
  await page.goto(home)
  await t.test('a script reads and writes by presigned URLs', t => testFetch(t, site, page))
  await t.test('a video is sought in', t => testVideo(t, site, page))
  await t.test('a form stores its file', t => testForm(t, site, page, home))
  seen.push(await page.content())
  await page.close()
  await settle()
  testKeyUnseen(t, seen)
}

const browser = await launch().then(
  is => ({ is }),
  error => ({ lacks: causeOf(error) }),
)
if ('lacks' in browser) {
  t.ok(true, 'Chromium', { skip: browser.lacks })
} else {
  await testAtEach(['minio'], (t, site) => testBrowser(t, site, browser.is))
  await browser.is.close()
}
