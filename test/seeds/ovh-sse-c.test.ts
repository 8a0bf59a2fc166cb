import { createHash } from 'node:crypto'
import t from 'tap'
import { send, sendRaw, signer } from '../support/client.ts'
import { encrypt, rule, startProxy } from '../support/proxy.ts'
import { startUpstream } from '../support/upstream.ts'

/* OVHcloud's page "Encrypt your server-side objects with SSE-C" (updated 2022-04-15), its commands as they are sent. */

const SSE = 'x-amz-server-side-encryption-customer'
const bytes = Buffer.alloc(32, 5)
const encKey = bytes.toString('base64')
/** `echo $encKey | md5sum | awk '{print $1}' | base64 -w0` */
const md5Key = Buffer.from(`${createHash('md5').update(`${encKey}\n`).digest('hex')}\n`).toString(
  'base64',
)
const right = createHash('md5').update(bytes).digest('base64')

const started = async (test: Parameters<typeof startProxy>[0]) => {
  const upstream = await startUpstream(test)
  const rules = [rule(encrypt({ clientKeys: 'accept' }))]
  const proxy = await startProxy(test, { upstream: upstream.origin, provider: 'ovh', rules })
  return { upstream, proxy }
}

const path = '/bucket-name/encrypt_magic'
const triple = (md5?: string): Record<string, string> => ({
  [`${SSE}-algorithm`]: 'AES256',
  [`${SSE}-key`]: encKey,
  ...(md5 === undefined ? {} : { [`${SSE}-key-md5`]: md5 }),
})

for (const [operation, method] of [
  ['put-object', 'PUT'],
  ['get-object', 'GET'],
] as const) {
  t.test(`${operation} as printed is told what is wrong with its MD5`, async t => {
    const { upstream, proxy } = await started(t)
    const answer = await send(proxy.origin, { method, path, headers: triple(md5Key) })
    t.equal(answer.status, 400)
    t.match(answer.text, 'OVHcloud')
    t.match(answer.text, 'MD5 of the 32 bytes of the key')
    const without = await send(proxy.origin, { method, path, headers: triple() })
    t.equal(without.status, 400)
    t.match(without.text, 'It is not optional')
    t.strictSame(upstream.seen, [])
    const good = await send(proxy.origin, { method, path, headers: triple(right) })
    t.equal(good.status, 200, good.text)
    t.equal(upstream.seen[0]?.headers[`${SSE}-key-md5`], right)
  })
}

t.test('put-object without the optional MD5, as awscli then sends it', async t => {
  const { upstream, proxy } = await started(t)
  const twice = {
    [`${SSE}-algorithm`]: 'AES256',
    [`${SSE}-key`]: Buffer.from(encKey).toString('base64'),
    [`${SSE}-key-md5`]: createHash('md5').update(encKey).digest('base64'),
  }
  const answer = await send(proxy.origin, { method: 'PUT', path, headers: twice })
  t.match(answer, { status: 400, text: /secret key was invalid.*in base64 twice/ })
  const short = { ...twice, [`${SSE}-key`]: Buffer.from('short').toString('base64') }
  const other = await send(proxy.origin, { method: 'PUT', path, headers: short })
  t.match(other, { status: 400, text: /secret key was invalid/ })
  t.notMatch(other.text, 'twice')
  t.strictSame(upstream.seen, [])
})

t.test('head-object, and rm without a key', async t => {
  const { upstream, proxy } = await started(t)
  const head = await send(proxy.origin, { method: 'HEAD', path, headers: triple(right) })
  t.equal(head.status, 200)
  t.equal((await send(proxy.origin, { method: 'HEAD', path, headers: triple(md5Key) })).status, 400)
  await send(proxy.origin, { method: 'DELETE', path })
  t.notOk(upstream.seen.at(-1)?.headers[`${SSE}-key`])
})

t.test('without a key of the client’s, the proxy’s own is right', async t => {
  const { upstream, proxy } = await started(t)
  const put = await send(proxy.origin, { method: 'PUT', path, body: 'magic' })
  t.equal(put.status, 200, put.text)
  const { headers } = upstream.seen[0] ?? {}
  const key = Buffer.from(headers?.[`${SSE}-key`] ?? '', 'base64')
  t.equal(headers?.[`${SSE}-key-md5`], createHash('md5').update(key).digest('base64'))
})

// The signer takes the header for the payload hash, and puts it nowhere.
const UNSIGNED_BODY = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }

/** A URL as the page's section "Presigned URLs and SSE-C" wants it: the algorithm is in the signature, the key is not. */
const presigned = async (origin: string, method: string, signed: Record<string, string>) => {
  const { host, hostname, protocol } = new URL(origin)
  const { query = {} } = await signer().presign(
    { method, protocol, hostname, path, query: {}, headers: { host, ...UNSIGNED_BODY, ...signed } },
    { expiresIn: 60, unhoistableHeaders: new Set(Object.keys(signed)) },
  )
  const text = Object.entries(query).map(
    ([name, value]) => `${name}=${encodeURIComponent(String(value))}`,
  )
  return `${path}?${text.join('&')}`
}

const body = (method: string): string => (method === 'PUT' ? 'magic' : '')

for (const method of ['PUT', 'GET', 'HEAD']) {
  t.test(`Presigned URLs and SSE-C: ${method}`, async t => {
    const { upstream, proxy } = await started(t)
    const ask = (target: string, headers: Record<string, string>) => {
      const length = { 'content-length': String(body(method).length) }
      return sendRaw(proxy.origin, method, target, { ...headers, ...length }, body(method))
    }
    const [algorithm] = Object.entries(triple())
    const url = await presigned(proxy.origin, method, Object.fromEntries([algorithm ?? []]))
    t.equal((await ask(url, triple(right))).status, 200)
    t.match(upstream.seen[0]?.headers, triple(right))
    // The URL was signed for SSE-C with a key of the bearer's, and for nothing else.
    t.equal((await ask(url, {})).status, 403)
    t.equal((await ask(url, { ...triple(right), 'x-amz-acl': 'public-read' })).status, 403)
    t.equal((await ask(url, { ...triple(right), [`${SSE}-algorithm`]: 'AES128' })).status, 403)
    const unsigned = await presigned(proxy.origin, method, {})
    t.equal((await ask(unsigned, triple(right))).status, 403, 'no algorithm in the signature')
    t.equal(upstream.seen.length, 1)
    t.equal((await ask(unsigned, {})).status, 200, 'without a key of its own it gets ours')
  })
}
