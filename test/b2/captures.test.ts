import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { Secret } from '../../lib/s3/secret.ts'
import { captureText } from '../captures.ts'
import { type B2Proxy, startB2Proxy } from '../support/b2-proxy.ts'
import { APP_CLIENT, encrypt, keyBytes, rule } from '../support/proxy.ts'

/*
 * What rclone, the b2 command and backblaze-b2 sent, as it was recorded: the lane accepts each request, and refuses it with a
 * byte changed in what vouches for it. B2 signs nothing, so that is the application key, the token, the upload URL with its
 * token, and the MD5 of a customer key. Tokens and upload URLs are those that the lane gives out, in place of the recorded
 * simulator's; of the bodies the length was recorded, and a beginning.
 */

interface Recorded {
  readonly name: string
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly json: string
  readonly length: number
}

const parse = (file: string, text: string, index: number): Recorded => {
  const [head = '', ...rest] = text.split('\n\n')
  const [line = '', ...lines] = head.replaceAll('\n ', '').split('\n')
  const [method = '', target = ''] = line.split(' ')
  const headers = Object.fromEntries(
    lines.map(each => [
      each.slice(0, each.indexOf(':')).toLowerCase(),
      each.slice(each.indexOf(':') + 1).trim(),
    ]),
  )
  const { host: _, connection: __, 'content-length': length = '0', ...said } = headers
  const json = rest.join('\n\n').trim()
  return { name: `${file}#${index}`, method, target, headers: said, json, length: Number(length) }
}

const recordedIn = (file: string): readonly Recorded[] =>
  captureText(file)
    .split(/^>>> /m)
    .slice(1)
    .map((text, index) => parse(file, text, index))
    .filter(({ target }) => target !== '/')

/** The key that the recorded clients had. */
const KEY = { accessKeyId: 'account-0', secretAccessKey: 'masterKey-0' }
const CLIENT = {
  ...APP_CLIENT,
  proof: { kind: 'signature', ...KEY, secretAccessKey: new Secret(KEY.secretAccessKey) },
} as const

const NAMES: Readonly<Record<string, string>> = { bucket_0: 'rcb', bucket_1: 'clib' }
const FILE_NAMES: Readonly<Record<string, string>> = {
  '9999': 'd/small.bin',
  '9998': 'd/mid.bin',
  '9997': 'd/small2.bin',
}
const ENCRYPTION = { serverSideEncryption: { mode: 'SSE-C', algorithm: 'AES256' } }

/** What a B2 says that finds everything right. */
const answerTo = (call: string, fields: Record<string, unknown>, origin: string): object => {
  const { fileId = '9997', bucketId = 'bucket_0' } = fields
  const uploading = { uploadUrl: `${origin}/pod/${fileId}`, authorizationToken: 'upload' }
  switch (call) {
    case 'b2_authorize_account':
      return {
        accountId: 'account-0',
        authorizationToken: 'provider',
        apiUrl: origin,
        downloadUrl: origin,
      }
    case 'b2_list_buckets':
      return {
        buckets: Object.entries(NAMES).map(([id, bucketName]) => ({ bucketId: id, bucketName })),
      }
    case 'b2_get_upload_url':
    case 'b2_get_upload_part_url':
      return { ...fields, ...uploading }
    default:
      return {
        ...fields,
        fileId,
        bucketId,
        fileName: fields['fileName'] ?? FILE_NAMES[String(fileId)],
        ...ENCRYPTION,
      }
  }
}

interface Reached {
  readonly target: string
  readonly headers: IncomingHttpHeaders
}

const MD5 = 'x-bz-server-side-encryption-customer-key-md5'

const startProvider = async (t: Test) => {
  const reached: Reached[] = []
  const server = createServer(async (message, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of message) chunks.push(chunk)
    const { url: target = '', headers } = message
    reached.push({ target, headers })
    const isCall = headers['content-type'] === 'application/json' && chunks.length > 0
    const fields = isCall ? JSON.parse(Buffer.concat(chunks).toString()) : {}
    const call = target.split('?')[0]?.split('/')[3] ?? ''
    const echo = {
      'x-bz-server-side-encryption-customer-algorithm': 'AES256',
      [MD5]: String(headers[MD5] ?? ''),
    }
    response.writeHead(200, echo).end(JSON.stringify(answerTo(call, fields, origin)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin, reached }
}

/** What the lane gave out last: a token, a large file, and upload URLs. */
interface Held {
  token: string
  fileId: string
  file: { uploadUrl: string; authorizationToken: string }
  part: { uploadUrl: string; authorizationToken: string }
}

const changed = (text: string, at: number): string =>
  `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`

const isUpload = ({ target }: Recorded): boolean => target.startsWith('/up/')

const urlOf = ({ target }: Recorded, held: Held) =>
  target.startsWith('/up/part/') ? held.part : held.file

const bodyOf = (recorded: Recorded, held: Held): Buffer | undefined => {
  if (recorded.length === 0) return undefined
  if (!isUpload(recorded))
    return Buffer.from(recorded.json.replaceAll('"9998"', `"${held.fileId}"`))
  if (recorded.headers['x-bz-content-sha1'] !== 'hex_digits_at_end')
    return Buffer.alloc(recorded.length, 1)
  const bytes = Buffer.alloc(recorded.length - 40, 1)
  return Buffer.concat([bytes, Buffer.from(createHash('sha1').update(bytes).digest('hex'))])
}

const authorizationOf = (recorded: Recorded, held: Held): string => {
  if (isUpload(recorded)) return urlOf(recorded, held).authorizationToken
  const { authorization = '' } = recorded.headers
  return authorization.startsWith('Basic ') ? authorization : held.token
}

type Change = (headers: Record<string, string>) => Record<string, string>

/** With a change it is refused by its head, so that nothing of the body needs to be sent. */
const replay = (proxy: B2Proxy, recorded: Recorded, held: Held, change?: Change) => {
  const body = change === undefined ? bodyOf(recorded, held) : Buffer.alloc(0)
  const said = { ...recorded.headers, authorization: authorizationOf(recorded, held) }
  const headers = change === undefined ? said : change(said)
  const target = isUpload(recorded) ? urlOf(recorded, held).uploadUrl : recorded.target
  const method = recorded.method as 'GET' | 'HEAD' | 'POST'
  return proxy.send(target, { method, headers, ...(body?.length && { body }) })
}

/** Keeps what an answer gives for the next requests. */
const hold = (held: Held, { target }: Recorded, body: Buffer): void => {
  const document = () => JSON.parse(body.toString())
  if (target.endsWith('b2_authorize_account')) held.token = document().authorizationToken
  if (target.endsWith('b2_start_large_file')) held.fileId = document().fileId
  if (target.endsWith('b2_get_upload_url')) held.file = document()
  if (target.endsWith('b2_get_upload_part_url')) held.part = document()
}

const NONE = { uploadUrl: '', authorizationToken: '' }

const checkChanges = async (t: Test, proxy: B2Proxy, recorded: Recorded, held: Held) => {
  const { authorization = '' } = {
    ...recorded.headers,
    authorization: authorizationOf(recorded, held),
  }
  for (const at of [10, authorization.length - 4]) {
    const answer = await replay(proxy, recorded, held, headers => ({
      ...headers,
      authorization: changed(authorization, at),
    }))
    t.equal(answer.status, 401, `${recorded.name}, byte ${at} of what authorises it`)
  }
  for (const name of Object.keys(recorded.headers).filter(each => each.includes('customer-key'))) {
    const answer = await replay(proxy, recorded, held, headers => ({
      ...headers,
      [name]: changed(headers[name] ?? '', 5),
    }))
    t.equal(answer.status, 400, `${recorded.name}, a byte of ${name}`)
  }
  if (!isUpload(recorded)) return
  const { uploadUrl, authorizationToken } = urlOf(recorded, held)
  const other = { uploadUrl: changed(uploadUrl, uploadUrl.length - 4), authorizationToken }
  const answer = await replay(
    proxy,
    recorded,
    { ...held, file: other, part: other },
    headers => headers,
  )
  t.equal(answer.status, 400, `${recorded.name}, a byte of the upload URL`)
}

const FILES: readonly [file: string, requests: number, effect: object][] = [
  ['rclone-b2-1.60.txt', 49, {}],
  ['b2-cli-1.3.8.txt', 13, {}],
  ['npm-backblaze-b2-1.7.1.txt', 8, { clientKeys: 'accept', plaintextReads: 'allow' }],
]

for (const [file, requests, effect] of FILES) {
  t.test(`${file}: accepted as recorded, refused with a byte changed`, async t => {
    const provider = await startProvider(t)
    const rules = [rule(encrypt(effect))]
    const proxy = await startB2Proxy(t, { upstream: provider.origin, rules, clients: [CLIENT] })
    const held: Held = { token: '', fileId: '', file: NONE, part: NONE }
    const recorded = recordedIn(file)
    t.equal(recorded.length, requests)
    for (const each of recorded) {
      const before = provider.reached.length
      const answer = await replay(proxy, each, held)
      t.ok(answer.status < 300, `${each.name}: ${answer.status} ${answer.body}`)
      t.ok(provider.reached.length > before, each.name)
      hold(held, each, answer.body)
      const last = provider.reached.at(-1)?.headers
      if (isUpload(each)) {
        const own = each.headers[MD5]
        const ours = createHash('md5').update(keyBytes('main/v1')).digest('base64')
        t.equal(last?.[MD5], own ?? ours, `${each.name} goes on with a key`)
        const kept = Object.keys(each.headers).filter(name => /^x-bz-(?:info|content)/.test(name))
        for (const name of kept) t.equal(last?.[name], each.headers[name], name)
      }
      await checkChanges(t, proxy, each, held)
    }
    t.notOk(JSON.stringify(provider.reached).includes(KEY.secretAccessKey))
  })
}
