import t from 'tap'
import { Secret } from '../../lib/s3/secret.ts'
import { basic, startB2Proxy } from '../support/b2-proxy.ts'
import { APP, APP_CLIENT, keyring, UPSTREAM } from '../support/proxy.ts'
import { meet } from './meet.ts'

const AUTHORIZE = '/b2api/v2/b2_authorize_account'

t.test('an account is authorised in each version, and every URL leads to the proxy', async t => {
  const { server, proxy, client } = await meet(t)
  const { origin } = proxy
  const urls = { apiUrl: origin, downloadUrl: origin, s3ApiUrl: origin }
  for (const version of ['v1', 'v2']) t.match((await proxy.authorize(version)).account, urls)
  for (const version of ['v3', 'v4']) {
    const { account } = await proxy.authorize(version)
    t.match(account, { apiInfo: { storageApi: urls } })
    t.notMatch(JSON.stringify(account), server.origin, 'nor another API of the account')
  }
  t.match(client.token, /^sp1_/)
  t.notMatch(JSON.stringify(client.account), 'provider-token')
  t.equal(server.seen[0]?.headers.authorization, basic(UPSTREAM))
})

t.test('the configured URLs are given out', async t => {
  const listen = { url: 'https://b2.example.com', s3Url: 'https://s3.example.com' }
  const { client } = await meet(t, { listen })
  const { url, s3Url } = listen
  t.match(client.account, { apiUrl: url, downloadUrl: url, s3ApiUrl: s3Url })
})

t.test('a client may go on with its own application key, or with another', async t => {
  const credentials = {
    ...APP,
    secretAccessKey: new Secret(APP.secretAccessKey),
    sessionToken: undefined,
  }
  for (const upstreamCredentials of [{ kind: 'same' }, { kind: 'own', credentials }] as const) {
    const { server } = await meet(t, { clients: [{ ...APP_CLIENT, upstreamCredentials }] })
    t.equal(server.seen[0]?.headers.authorization, basic())
  }
})

t.test('who has no application key of the proxy gets nowhere', async t => {
  const { server, proxy } = await meet(t)
  const before = server.seen.length
  const wrong = { ...APP, secretAccessKey: 'wrong' }
  const nobody = { ...APP, accessKeyId: 'NOBODY' }
  for (const authorization of [basic(wrong), basic(nobody), 'Bearer x', '']) {
    const answer = await proxy.send(AUTHORIZE, { headers: { authorization } })
    t.match(answer.json(), { status: 401, code: 'unauthorized' })
  }
  t.match((await proxy.send(AUTHORIZE)).json(), { code: 'unauthorized' })
  for (const authorization of ['provider-token', 'sp1_AAAA', `sp1_${'A'.repeat(80)}`]) {
    const listing = { method: 'POST', headers: { authorization }, body: '{}' } as const
    t.match((await proxy.send('/b2api/v2/b2_list_buckets', listing)).json(), {
      code: 'bad_auth_token',
    })
  }
  t.equal((await proxy.send('/file/photos/a')).status, 401)
  t.equal(server.seen.length, before)
})

t.test("the provider's refusal of the proxy's own key is no fault of the client's", async t => {
  const { server, proxy } = await meet(t)
  const authorizing = { headers: { authorization: basic() } }
  server.manners.answers = { b2_authorize_account: [401, { status: 401, code: 'unauthorized' }] }
  t.match((await proxy.send(AUTHORIZE, authorizing)).json(), { code: 'service_unavailable' })
  server.manners.answers = {
    b2_authorize_account: [429, { status: 429, code: 'too_many_requests' }],
  }
  t.match((await proxy.send(AUTHORIZE, authorizing)).json(), { status: 429 })
  const same = [{ ...APP_CLIENT, upstreamCredentials: { kind: 'same' } } as const]
  const passing = await startB2Proxy(t, { upstream: server.origin, clients: same })
  server.manners.answers = { b2_authorize_account: [401, { status: 401, code: 'revoked' }] }
  t.match((await passing.send(AUTHORIZE, authorizing)).json(), { code: 'revoked' }, 'its own key')
})

t.test('a token ends with the application key, the client or the upstream it was for', async t => {
  const { server, client } = await meet(t)
  const list = { method: 'POST', headers: { authorization: client.token }, body: '{}' } as const
  const upstream = server.origin
  const secretAccessKey = new Secret('another')
  const changed = [
    { ...APP_CLIENT, name: 'other' },
    { ...APP_CLIENT, proof: { kind: 'signature', accessKeyId: 'APP', secretAccessKey } },
    { ...APP_CLIENT, upstream: 'elsewhere' },
    { ...APP_CLIENT, proof: { kind: 'loopback' } },
  ] as const
  for (const each of changed) {
    const proxy = await startB2Proxy(t, { upstream, clients: [each] })
    t.match((await proxy.send('/b2api/v2/b2_list_buckets', list)).json(), {
      code: 'bad_auth_token',
    })
  }
  const replica = await startB2Proxy(t, { upstream, keyrings: [keyring('main', 'v2', 'v1')] })
  t.equal(
    (await replica.send('/b2api/v2/b2_list_buckets', list)).status,
    200,
    'not with a rotation',
  )
})

t.test('an expired token is told as the provider tells it', async t => {
  const { server, client } = await meet(t)
  server.manners.expired = true
  t.match((await client.call('b2_list_buckets', {})).json(), {
    status: 401,
    code: 'expired_auth_token',
  })
  const listing = await client.call('b2_list_file_names', { bucketId: 'b-1' })
  t.match(listing.json(), { code: 'expired_auth_token' })
  t.equal(listing.status, 401)
})

t.test('a realm that names no URL is not available', async t => {
  const { server, proxy } = await meet(t)
  server.manners.apiUrl = 'no url'
  const answer = await proxy.send(AUTHORIZE, { headers: { authorization: basic() } })
  t.match(answer.json(), { status: 503 })
})
