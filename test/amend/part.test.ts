import t from 'tap'
import { send } from '../support/client.ts'
import { startProxy } from '../support/proxy.ts'
import { type Answering, echoOf, startUpstream } from '../support/upstream.ts'

const SINGLE = '"5d41402abc4b2a76b9719d911017c592"'

/** Ignores part numbers, as Ceph RGW 16. */
const whole =
  (etag: string, body = 'hello'): Answering =>
  seen => ({
    headers: {
      etag,
      'content-length': String(body.length),
      'accept-ranges': 'bytes',
      ...echoOf(seen),
    },
    body,
  })

const ask = async (
  origin: string,
  partNumber: string,
  more: { readonly method?: string; readonly headers?: Record<string, string> } = {},
) => send(origin, { path: '/b/k', query: { partNumber }, ...more })

t.test('a whole object is its only part', async t => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    [SINGLE, undefined],
    [SINGLE.replace(/"$/, '-1"'), '1'],
  ]
  for (const [etag, count] of cases) {
    const upstream = await startUpstream(t, whole(etag))
    const proxy = await startProxy(t, { upstream: upstream.origin, provider: 'ceph' })
    for (const method of ['GET', 'HEAD']) {
      const answer = await ask(proxy.origin, '1', { method })
      t.match(answer, {
        status: 206,
        text: method === 'GET' ? 'hello' : '',
        headers: { etag, 'content-range': 'bytes 0-4/5', 'content-length': '5' },
      })
      t.equal(answer.headers['x-amz-mp-parts-count'], count)
    }
    t.match(await ask(proxy.origin, '2'), { status: 416, text: /InvalidPartNumber/ })
  }
})

t.test('an object of several parts is never given for one of them', async t => {
  for (const etag of [SINGLE.replace(/"$/, '-3"'), '"opaque"']) {
    const upstream = await startUpstream(t, whole(etag))
    const proxy = await startProxy(t, { upstream: upstream.origin, provider: 'ceph' })
    for (const number of ['1', '2']) {
      const answer = await ask(proxy.origin, number)
      t.match(answer, { status: 501, text: /does not read objects by part number/ })
      t.notMatch(answer.text, 'hello')
    }
    t.equal((await ask(proxy.origin, '1', { method: 'HEAD' })).status, 501)
    t.equal((await send(proxy.origin, { path: '/b/k' })).text, 'hello', 'the next read is whole')
  }
})

t.test('an empty object is an empty part', async t => {
  const upstream = await startUpstream(t, whole(SINGLE, ''))
  const proxy = await startProxy(t, { upstream: upstream.origin })
  t.match(await ask(proxy.origin, '1'), { status: 200, text: '' })
})

t.test('what a provider reads by part number passes', async t => {
  const upstream = await startUpstream(t, seen => ({
    status: 206,
    headers: { 'content-range': 'bytes 5-9/20', 'x-amz-mp-parts-count': '4', ...echoOf(seen) },
    body: 'parts',
  }))
  const proxy = await startProxy(t, { upstream: upstream.origin, provider: 'aws' })
  const answer = await ask(proxy.origin, '2')
  t.match(answer, { status: 206, text: 'parts', headers: { 'x-amz-mp-parts-count': '4' } })
})

t.test('a part number that is none, and a range besides, are refused', async t => {
  const upstream = await startUpstream(t, whole(SINGLE))
  const proxy = await startProxy(t, { upstream: upstream.origin, provider: 'ceph' })
  for (const number of ['0', '10001', '1x', '']) {
    t.match(await ask(proxy.origin, number), { status: 400, text: /between 1 and 10000/ }, number)
  }
  const ranged = await ask(proxy.origin, '1', { headers: { range: 'bytes=0-1' } })
  t.match(ranged, { status: 400, text: /both Range header and partNumber/ })
  t.equal(upstream.seen.length, 0)
})
