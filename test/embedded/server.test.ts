import { once } from 'node:events'
import { createServer } from 'node:http'
import t from 'tap'
import { startEmbedded } from '../../lib/embedded/server.ts'
import { createAsk, start } from './raw.ts'

t.test('it binds to nothing but a loopback address', async t => {
  for (const host of ['0.0.0.0', '::', '192.168.1.1', 'example.com', '127.example.com', '']) {
    await t.rejects(startEmbedded({ path: t.testdir(), host, port: 0 }), RangeError, host)
  }
  for (const host of ['127.0.0.1', 'localhost', '127.0.0.2']) {
    const embedded = await startEmbedded({ path: t.testdir(), host, port: 0 })
    t.equal((await createAsk(embedded.origin)('GET', '/')).status, 200, embedded.origin)
    await embedded.close()
  }
})

t.test('a port that is taken is told, and the folder left alone', async t => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const starting = startEmbedded({ path: t.testdir(), host: '127.0.0.1', port })
  await t.rejects(starting, { code: 'EADDRINUSE' })
})

t.test(
  'it answers to loopback names only, so that no web page gets in by a name of its own',
  async t => {
    const { ask } = await start(t)
    for (const host of ['localhost:9000', '127.0.0.1', '[::1]:80']) {
      t.equal((await ask('GET', '/', { host })).status, 200, host)
    }
    for (const host of ['rebound.example', '10.0.0.1:9000', 'localhost.example']) {
      t.equal((await ask('GET', '/', { host })).element('Code'), 'AccessDenied', host)
    }
  },
)

t.test('every answer says who gives it, and bears an id', async t => {
  const { ask } = await start(t)
  for (const answer of [
    await ask('GET', '/box'),
    await ask('GET', '/box/absent'),
    await ask('TRACE', '/'),
  ]) {
    t.equal(answer.headers['server'], 'ssec-proxy-embedded')
    t.match(answer.headers['x-amz-request-id'], /^[0-9A-F]{16}$/)
  }
})

t.test('an error says what, of what, and by which id', async t => {
  const { ask } = await start(t)
  const { element, headers, status } = await ask('GET', '/box/a%20b?x-id=GetObject')
  t.equal(status, 404)
  t.equal(headers['content-type'], 'application/xml')
  t.equal(element('Code'), 'NoSuchKey')
  t.equal(element('Key'), 'a b')
  t.equal(element('Resource'), '/box/a%20b')
  t.equal(element('RequestId'), headers['x-amz-request-id'])
})

t.test('what it does not know is refused, never guessed', async t => {
  const { ask } = await start(t)
  await ask('PUT', '/box/a', {}, 'x')
  for (const [method, target, status, code] of [
    ['GET', '/box?acl', 501, 'NotImplemented'],
    ['GET', '/box?versions', 501, 'NotImplemented'],
    ['GET', '/box?versioning', 501, 'NotImplemented'],
    ['PUT', '/box/a?acl', 501, 'NotImplemented'],
    ['GET', '/box/a?torrent', 501, 'NotImplemented'],
    ['GET', '/box/a?brand-new', 501, 'NotImplemented'],
    ['POST', '/box/a?select&select-type=2', 501, 'NotImplemented'],
    ['POST', '/box', 405, 'MethodNotAllowed'],
    ['PATCH', '/box/a', 405, 'MethodNotAllowed'],
    ['GET', '/box/%zz', 400, 'InvalidURI'],
    ['GET', `/box/${'k'.repeat(1025)}`, 400, 'KeyTooLongError'],
    ['GET', '/box/a?versionId=x', 400, 'InvalidArgument'],
    ['GET', '/absent-bucket/a', 404, 'NoSuchBucket'],
  ] as const) {
    const answer = await ask(method, target)
    t.strictSame([answer.status, answer.element('Code')], [status, code], `${method} ${target}`)
  }
  t.equal((await ask('GET', '/box/a?versionId=null')).text, 'x')
})

t.test('a header that asks for what it cannot do is refused, never ignored', async t => {
  const { ask } = await start(t)
  for (const [name, value, code] of [
    ['x-amz-object-lock-mode', 'GOVERNANCE', 'NotImplemented'],
    ['x-amz-website-redirect-location', '/x', 'NotImplemented'],
    ['x-amz-write-offset-bytes', '1', 'NotImplemented'],
    ['x-amz-expected-bucket-owner', '1', 'NotImplemented'],
    ['x-amz-acl', 'public-read', 'AccessControlListNotSupported'],
    ['x-amz-grant-read', 'id=x', 'AccessControlListNotSupported'],
    ['if-none-match', '"0123"', 'NotImplemented'],
  ] as const) {
    t.equal((await ask('PUT', '/box/a', { [name]: value }, 'x')).element('Code'), code, name)
  }
  t.equal((await ask('GET', '/box/a')).status, 404)
  t.equal((await ask('PUT', '/box/a', { 'x-amz-acl': 'private' }, 'x')).status, 200)
})

t.test('closing breaks off what is in flight', async t => {
  const { ask, close, faults } = await start(t)
  const fault = faults.add({ misbehave: { kind: 'stall' } })
  const asking = t.rejects(ask('GET', '/box'))
  while (fault() === 0) await new Promise(resolve => setImmediate(resolve))
  await close()
  await asking
})
