import { createHash } from 'node:crypto'
import t from 'tap'
import { send } from '../support/client.ts'
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
