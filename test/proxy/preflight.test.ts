import t from 'tap'
import type { Client } from '../../lib/authenticate/client.ts'
import type { Exchange } from '../../lib/exchange.ts'
import { answerPreflight } from '../../lib/preflight.ts'
import { Secret } from '../../lib/s3/secret.ts'
import { sendRaw } from '../support/client.ts'
import { requestOf } from '../support/journey.ts'
import { APP_CLIENT, startProxy } from '../support/proxy.ts'
import { startUpstream } from '../support/upstream.ts'

const asking = {
  host: 'h',
  origin: 'https://page.example',
  'access-control-request-method': 'PUT',
  'access-control-request-headers': 'content-type',
  cookie: 'session=1',
}
const allowed = { 'access-control-allow-origin': '*', vary: 'Origin', 'x-amz-request-id': 'theirs' }

t.test('a preflight is asked of the provider, as nobody', async t => {
  const upstream = await startUpstream(t, () => ({ headers: allowed }))
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const answer = await sendRaw(
    proxy.origin,
    'OPTIONS',
    '/b/k?X-Amz-Credential=APP%2Fday&x-id=PutObject',
    asking,
  )
  t.match(answer, { status: 200, headers: { 'access-control-allow-origin': '*', vary: 'Origin' } })
  t.notOk(answer.headers['x-amz-request-id'])
  const [seen] = upstream.seen
  t.equal(seen?.target, '/b/k', 'without the presigned query')
  t.match(seen?.headers, { origin: 'https://page.example', 'access-control-request-method': 'PUT' })
  t.notOk(seen?.headers['authorization'])
  t.notOk(seen?.headers['cookie'])
})

t.test('among several upstreams the presigned URL tells which', async t => {
  const other: Client = {
    ...APP_CLIENT,
    name: 'other',
    upstream: 'elsewhere',
    proof: { kind: 'signature', accessKeyId: 'OTHER', secretAccessKey: new Secret('other') },
  }
  const ask = async (query: string): Promise<string> => {
    let asked = ''
    const exchangeOf = (client: Client): Exchange => {
      asked = client.name
      return {
        sendUnsigned: async () => ({ status: 200, headers: new Map(), body: undefined }),
      } as unknown as Exchange
    }
    const request = requestOf({
      method: 'OPTIONS',
      path: '/b/k',
      query,
      headers: new Map(),
      body: '',
    })
    const clients = [APP_CLIENT, other]
    await answerPreflight(request, { clients, exchangeOf }, AbortSignal.timeout(1000))
    return asked
  }
  const scope = '%2F20260101%2Fus-east-1%2Fs3%2Faws4_request'
  t.equal(await ask(`X-Amz-Credential=OTHER${scope}`), 'other')
  t.equal(await ask(`X-Amz-Credential=APP${scope}`), 'app')
  t.equal(await ask('X-Goog-Credential=OTHER%2F1%2Fauto%2Fstorage%2Fgoog4_request'), 'other')
  t.equal(await ask('AccessKeyId=OTHER&Expires=1&Signature=x'), 'other', 'a URL of OBS')
  t.equal(await ask('AWSAccessKeyId=OTHER&Expires=1&Signature=x'), 'other')
  await t.rejects(ask(`X-Amz-Credential=NOBODY${scope}`), { code: 'AccessDenied' })
  await t.rejects(ask('AccessKeyId=NOBODY'), { code: 'AccessDenied' })
  await t.rejects(ask(''), { code: 'AccessDenied' })
})
