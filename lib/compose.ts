import { LRUCache } from 'lru-cache'
import { createAuthenticate } from './authenticate/authenticate.ts'
import type { Client } from './authenticate/client.ts'
import { receiveBody } from './body/receive.ts'
import type { Config } from './config/config.ts'
import type { Saying } from './dialect/to-upstream.ts'
import { createExchange, type Exchange } from './exchange.ts'
import { findKeys, type KeyedRequest, type Keyrings } from './keys/find-keys.ts'
import { decide, decideDeletes } from './policy/decide.ts'
import { createPolicy, type Policy } from './policy/resolve.ts'
import { createProxy, type Journey } from './proxy.ts'
import { type ClientView, toClient } from './response/to-client.ts'
import type { KeyringAt } from './response/upload-ids.ts'
import { parseDeleteKeys } from './s3/delete-document.ts'
import { withHeaders } from './s3/headers.ts'
import { operationNamed } from './s3/operation.ts'
import type { S3Response } from './s3/response.ts'
import { createSigningKeys } from './sigv4/signature.ts'
import { type AttemptedRequest, tryAttempts, type VersionMemory } from './ssec/attempt.ts'
import { type Attempt, versionRead } from './ssec/attempts.ts'
import { confirm } from './ssec/confirm.ts'
import { type EnforcedRequest, enforce, type ReceivedRequest } from './ssec/enforce.ts'
import { triple } from './ssec/headers.ts'
import { takeBack } from './ssec/undo.ts'
import type { Transport } from './transport/transport.ts'

/** Objects whose key version is remembered; a hint only, so forgetting costs a request and no more. */
const REMEMBERED_VERSIONS = 100_000

export interface Parts {
  readonly config: Config
  readonly keyrings: Keyrings
  readonly transport: Transport
  readonly now: () => Date
}

const receive = async (
  request: KeyedRequest,
  policy: Policy,
  documentBytes: number,
): Promise<ReceivedRequest> => {
  request.proceed()
  const isDocument = request.operation.body === 'document'
  const body = await receiveBody(request.wire, request.payload, isDocument, documentBytes)
  if (request.operation.name === 'DeleteObjects' && request.address.level === 'bucket') {
    const document = body.kind === 'bytes' ? body.bytes.toString('utf8') : ''
    decideDeletes(policy, request.client.name, request.address.bucket, parseDeleteKeys(document))
  }
  return { ...request, body } as unknown as ReceivedRequest
}

/** What an enforced request says with the keys of one attempt. */
const say = (request: EnforcedRequest, attempt: Attempt): Saying => ({
  method: request.method,
  address: request.address,
  query: request.query,
  headers: withHeaders(request.headers, [
    ...(attempt.object === undefined ? [] : triple('object', attempt.object)),
    ...(attempt.source === undefined ? [] : triple('source', attempt.source)),
  ]),
  body: request.body,
  repeatable: request.operation.repeatable,
})

/** Walks a request's attempts, and writes down what the log shall say of them. */
const attemptNoted = async (
  exchange: Exchange,
  request: EnforcedRequest,
  memory: VersionMemory,
  signal: AbortSignal,
): Promise<AttemptedRequest> => {
  const started = performance.now()
  let attempts = 0
  const send = (attempt: Attempt): Promise<S3Response> => {
    attempts += 1
    return exchange.send(say(request, attempt), signal)
  }
  try {
    const attempted = await tryAttempts(request, exchange.profile, memory, send)
    request.journal.note({
      keyVersion: versionRead(attempted.attempt),
      upstreamStatus: attempted.answer.status,
      upstreamRequestId: attempted.answer.headers.get('x-amz-request-id'),
    })
    return attempted
  } finally {
    const upstreamMs = Math.round(performance.now() - started)
    request.journal.note({ upstream: exchange.upstream.name, attempts, upstreamMs })
  }
}

/** Takes an unconfirmed write back, with a request of its own that the client's going away does not stop. */
const undoWith =
  (exchange: Exchange) =>
  (attempted: AttemptedRequest): Promise<boolean> =>
    takeBack(attempted, (method, query, headers, body) =>
      exchange.send(
        { method, address: attempted.request.address, query, headers, body, repeatable: true },
        AbortSignal.timeout(exchange.upstream.timeouts.firstByte),
      ),
    ).catch(() => false)

const CREATE = operationNamed('CreateMultipartUpload')

const keyringAtFor =
  (policy: Policy, keyrings: Keyrings, client: Client): KeyringAt =>
  place => {
    const decision = policy.resolve({ client: client.name, operation: CREATE, ...place })
    return decision.kind === 'encrypt' ? keyrings.get(decision.effect.encrypt.keyring) : undefined
  }

/** Builds the rooms with their IO, and the journey through them: the only place that knows every room. */
export const compose = ({ config, keyrings, transport, now }: Parts): Journey => {
  const signingKeys = createSigningKeys()
  const policy = createPolicy(config.rules)
  const memory = new LRUCache<string, string>({
    maxSize: REMEMBERED_VERSIONS,
    sizeCalculation: () => 1,
  })
  const exchangeParts = { upstreams: config.upstreams, transport, signingKeys, now }
  const exchanges = new Map(
    config.clients.map(client => [client, createExchange(client, exchangeParts)]),
  )
  const exchangeOf = (client: Client): Exchange =>
    exchanges.get(client) ?? createExchange(client, exchangeParts)
  const viewOf = (client: Client): ClientView => ({
    keyrings,
    keyringAt: keyringAtFor(policy, keyrings, client),
    documentBytes: config.limits.documentBytes,
  })
  const authenticate = createAuthenticate(config.clients, signingKeys)
  return createProxy({
    authenticate: request => {
      const authenticated = authenticate(request, now())
      request.journal.note({ client: authenticated.client.name })
      return authenticated
    },
    decide: request => {
      const decided = decide(policy, request)
      request.journal.note({ rule: decided.permission.rule })
      return decided
    },
    findKeys: request => findKeys(keyrings, request),
    receive: request => receive(request, policy, config.limits.documentBytes),
    enforce: request => enforce(request, keyrings, exchangeOf(request.client).profile),
    attempt: (request, signal) => attemptNoted(exchangeOf(request.client), request, memory, signal),
    confirm: attempted => confirm(attempted, undoWith(exchangeOf(attempted.request.client))),
    toClient: (confirmed, received) =>
      toClient(confirmed, received, viewOf(confirmed.request.client)),
  })
}
