import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { CredentialsError, createChain, type Identity } from '../../lib/credentials/chain.ts'

const REGION = 'eu-central-1'

/** Where the SDK looks, so that nothing of this machine takes part. */
const SOURCES = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_PROFILE',
  'AWS_CONFIG_FILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_ROLE_ARN',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_ENDPOINT_URL_STS',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AWS_EC2_METADATA_DISABLED',
  'AWS_EC2_METADATA_SERVICE_ENDPOINT',
]

/** Gives the process these variables, and no other that the SDK knows; until the test ends. */
const withVariables = (t: Test, variables: Readonly<Record<string, string>>): void => {
  const before = SOURCES.map(name => [name, process.env[name]] as const)
  const none = join(import.meta.dirname, 'none')
  const files = { AWS_CONFIG_FILE: none, AWS_SHARED_CREDENTIALS_FILE: none }
  for (const name of SOURCES) delete process.env[name]
  Object.assign(process.env, files, { AWS_EC2_METADATA_DISABLED: 'true' }, variables)
  t.teardown(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })
}

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: NodeJS.Dict<string | string[]>
}

/** A server that answers as `answer` says, and what it was asked. */
const startServer = async (t: Test, answer: (seen: Seen) => string | undefined) => {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    seen.push({ method, url, headers })
    const text = answer({ method, url, headers })
    request.resume()
    response.writeHead(text === undefined ? 404 : 200).end(text)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

const shown = async (chain = createChain(REGION)) => {
  const { accessKeyId, secretAccessKey, sessionToken } = await chain.current()
  return [accessKeyId, secretAccessKey.expose(), sessionToken?.expose()]
}

const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString()

t.test('the environment', async t => {
  withVariables(t, { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'B', AWS_SESSION_TOKEN: 'C' })
  t.strictSame(await shown(), ['A', 'B', 'C'])
})

t.test('a shared file, by its profile', async t => {
  const folder = t.testdir({
    credentials:
      '[default]\naws_access_key_id = A\naws_secret_access_key = B\n[two]\naws_access_key_id = C\naws_secret_access_key = D\n',
  })
  const file = { AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials') }
  withVariables(t, file)
  t.strictSame(await shown(), ['A', 'B', undefined])
  process.env['AWS_PROFILE'] = 'two'
  t.strictSame(await shown(), ['C', 'D', undefined])
})

t.test('a web identity, as EKS gives one (IRSA)', async t => {
  const { origin, seen } = await startServer(
    t,
    () => `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>W</AccessKeyId><SecretAccessKey>X</SecretAccessKey>
<SessionToken>Y</SessionToken><Expiration>${inAnHour()}</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
  )
  withVariables(t, {
    AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/ssec-proxy',
    AWS_WEB_IDENTITY_TOKEN_FILE: join(t.testdir({ token: 'jwt' }), 'token'),
    AWS_ENDPOINT_URL_STS: origin,
  })
  t.strictSame(await shown(), ['W', 'X', 'Y'])
  t.strictSame(
    seen.map(({ method }) => method),
    ['POST'],
  )
})

t.test('a container, as ECS and EKS Pod Identity give them', async t => {
  const { origin, seen } = await startServer(t, () =>
    JSON.stringify({ AccessKeyId: 'P', SecretAccessKey: 'Q', Token: 'R', Expiration: inAnHour() }),
  )
  withVariables(t, {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${origin}/v1/credentials`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'pod',
  })
  t.strictSame(await shown(), ['P', 'Q', 'R'])
  t.strictSame(
    seen.map(({ url, headers }) => [url, headers['authorization']]),
    [['/v1/credentials', 'pod']],
  )
})

t.test('instance metadata, version 2', async t => {
  const role = '/latest/meta-data/iam/security-credentials/'
  const identity = { Code: 'Success', AccessKeyId: 'I', SecretAccessKey: 'J', Token: 'K' }
  const answers: Readonly<Record<string, string>> = {
    'PUT /latest/api/token': 'token',
    [`GET ${role}`]: 'ssec',
    [`GET ${role}ssec`]: JSON.stringify({
      ...identity,
      Expiration: inAnHour(),
      LastUpdated: inAnHour(),
    }),
  }
  const { origin, seen } = await startServer(t, ({ method, url, headers }) => {
    const isKnown = headers['x-aws-ec2-metadata-token'] === 'token'
    return isKnown || method === 'PUT' ? answers[`${method} ${url}`] : undefined
  })
  withVariables(t, { AWS_EC2_METADATA_DISABLED: '', AWS_EC2_METADATA_SERVICE_ENDPOINT: origin })
  t.strictSame(await shown(), ['I', 'J', 'K'])
  t.equal(seen[0]?.method, 'PUT', 'version 1 is not asked')
})

t.test('what ends soon is fetched anew by one flight, and serves on meanwhile', async t => {
  let count = 0
  const ends = () => new Date(Date.now() + (count === 1 ? 60_000 : 3_600_000)).toISOString()
  const { origin } = await startServer(t, () => {
    count += 1
    const Expiration = ends()
    return JSON.stringify({
      AccessKeyId: `P${count}`,
      SecretAccessKey: 'Q',
      Token: 'R',
      Expiration,
    })
  })
  withVariables(t, { AWS_CONTAINER_CREDENTIALS_FULL_URI: origin })
  const chain = createChain(REGION)
  t.equal((await chain.current()).accessKeyId, 'P1')
  const many = await Promise.all(Array.from({ length: 20 }, () => chain.current()))
  for (const each of many) t.equal(each.accessKeyId, 'P1')
  for (let i = 0; i < 100 && (await chain.current()).accessKeyId === 'P1'; i++) {
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  const after = await chain.current()
  t.equal(after.accessKeyId, 'P2')
  t.equal(await chain.current(), after, 'the same value: signing keys are remembered by it')
  t.equal(count, 2)
})

t.test('no source has any', async t => {
  withVariables(t, {})
  await t.rejects(createChain(REGION).current(), {
    name: 'CredentialsError',
    message: 'The AWS credential chain gives no credentials (no source has any).',
  })
})

t.test('a source that hangs, or says more than it should', async t => {
  const never = createChain(REGION, async () => () => new Promise<Identity>(() => undefined), 20)
  await t.rejects(never.current(), { message: /TimeoutError/ })
  const told = createChain(REGION, async () => () => Promise.reject(new Error('--secret hunter2')))
  const error = await told.current().catch((error: unknown) => error)
  t.ok(error instanceof CredentialsError)
  t.notMatch(String(error), 'hunter2')
  const thrown = createChain(REGION, async () => () => Promise.reject('text'))
  await t.rejects(thrown.current(), { message: /unknown error/ })
})
