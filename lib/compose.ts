import { LRUCache } from 'lru-cache'
import { amend } from './amend/amend.ts'
import type { AmendRooms, BlockMemory } from './amend/blocked.ts'
import { type AuthenticatedRequest, createAuthenticate } from './authenticate/authenticate.ts'
import { createAuthenticateForm } from './authenticate/authenticate-form.ts'
import type { Client } from './authenticate/client.ts'
import { type Body, receiveBody } from './body/receive.ts'
import type { Config } from './config/config.ts'
import { copy } from './copy/copy.ts'
import { type CopyLimits, S3_LIMITS } from './copy/rooms.ts'
import { toClientDialect } from './dialect/client-dialect.ts'
import { takesTrailers } from './dialect/to-upstream.ts'
import { createExchange, type Exchange } from './exchange.ts'
import { openForm } from './form/open.ts'
import { findKeys, type KeyedRequest, type Keyrings } from './keys/find-keys.ts'
import type { Keyring } from './keys/keyring.ts'
import { negotiate } from './negotiate.ts'
import { type DecidedRequest, decide, decideDeletes } from './policy/decide.ts'
import { createPolicy, type Policy } from './policy/resolve.ts'
import { answerPreflight } from './preflight.ts'
import { type Carry, createCarry, createProxy, type Journey, type Rooms } from './proxy.ts'
import { keepAlive, type Patience, USUAL_PATIENCE } from './response/keep-alive.ts'
import { type ClientView, toClient } from './response/to-client.ts'
import { toForm } from './response/to-form.ts'
import type { KeyringAt } from './response/upload-ids.ts'
import { type Awaitable, andThen } from './s3/awaitable.ts'
import { parseDeleteKeys } from './s3/delete-document.ts'
import { operationNamed } from './s3/operation.ts'
import type { S3Response } from './s3/response.ts'
import { createSigningKeys } from './sigv4/signature.ts'
import { type AttemptedRequest, tryAttempts, type VersionMemory } from './ssec/attempt.ts'
import { type Attempt, versionRead } from './ssec/attempts.ts'
import { readClientDocument } from './ssec/client-document.ts'
import { type ConfirmedRequest, confirm } from './ssec/confirm.ts'
import { type EnforcedRequest, enforce, type ReceivedRequest } from './ssec/enforce.ts'
import { createEtagsAt, type EtagsAt } from './ssec/etag.ts'
import { exhaustedKeyring, namesStrangeUpload, newerAttempts } from './ssec/newer-keys.ts'
import { withProviderChecksums } from './ssec/provider-checksums.ts'
import { withProviderEtags } from './ssec/provider-etags.ts'
import { say } from './ssec/say.ts'
import { takeBack } from './ssec/undo.ts'
import type { Transport } from './transport/transport.ts'

/** How long it is believed, in milliseconds, why a bucket denies writes; and of how many buckets. */
const BLOCKS = { ttl: 60_000, max: 1000 }

/** Objects whose key version is remembered; a hint only, so forgetting costs a request and no more. */
const REMEMBERED_VERSIONS = 100_000

export interface Parts {
  readonly config: Config
  /** Those of now: each request takes them once. */
  readonly keyrings: () => Keyrings
  /** Has a keyring fetched anew, for what another replica did under a version that is not known here. */
  readonly renewKeyring?: (name: string) => Promise<Keyring | undefined>
  readonly transport: Transport
  readonly now: () => Date
  /** S3's own when left out. */
  readonly copyLimits?: CopyLimits
  readonly patience?: Patience
}

const receive = (
  request: KeyedRequest,
  policy: Policy,
  documentBytes: number,
): Awaitable<ReceivedRequest> => {
  request.proceed()
  const isDocument = request.operation.body === 'document'
  const body = receiveBody(request.wire, request.payload, isDocument, documentBytes)
  return andThen(body, each => withBody(request, each, policy))
}

const withBody = (request: KeyedRequest, body: Body, policy: Policy): ReceivedRequest => {
  if (request.operation.name === 'DeleteObjects' && request.address.level === 'bucket') {
    const document = body.kind === 'bytes' ? body.bytes.toString('utf8') : ''
    decideDeletes(policy, request.client.name, request.address.bucket, parseDeleteKeys(document))
  }
  return readClientDocument({ ...request, body } as unknown as ReceivedRequest)
}

type Attempting = (request: EnforcedRequest, signal: AbortSignal) => Promise<AttemptedRequest>

/** The key version that moved an object's bytes, `none` for plaintext; undefined where no bytes of an object moved. */
const keyVersionOf = ({ request, attempt }: AttemptedRequest): string | undefined =>
  request.operation.echo || attempt.object !== undefined ? versionRead(attempt) : undefined

type Newer = (request: EnforcedRequest) => Promise<readonly Attempt[]>

/** What a request may be tried with, once more, when all of its keys were refused. */
const newerWith =
  ({ renewKeyring }: Parts): Newer =>
  async request => {
    const name = exhaustedKeyring(request)
    const keyring = name === undefined ? undefined : await renewKeyring?.(name)
    return keyring === undefined ? [] : newerAttempts(request, keyring)
  }

/** The keyrings of now; with the newest version, where a request goes on with an upload of a version unknown here. */
const keyringsFor = (
  { permission, address, query }: DecidedRequest,
  parts: Parts,
): Awaitable<Keyrings> => {
  const known = parts.keyrings()
  return permission.kind === 'encrypt' && namesStrangeUpload({ address, query }, known.values())
    ? renewed(permission.effect.encrypt.keyring, parts)
    : known
}

const renewed = async (name: string, { keyrings, renewKeyring }: Parts): Promise<Keyrings> => {
  await renewKeyring?.(name)
  return keyrings()
}

/** Walks the attempts of a client's request, or of its steps, and writes down what the log shall say of them. */
const createAttempting = (exchange: Exchange, memory: VersionMemory, newer: Newer): Attempting => {
  const upstream = exchange.upstream.name
  let attempts = 0
  let upstreamMs = 0
  return async (request, signal) => {
    const started = performance.now()
    const send = (attempt: Attempt): Promise<S3Response> => {
      attempts += 1
      return exchange.send(say(request, attempt), signal)
    }
    try {
      const attempted = await tryAttempts(request, exchange.profile, { memory, send, newer })
      request.journal.note({
        keyVersion: keyVersionOf(attempted),
        upstreamStatus: attempted.answer.status,
        upstreamRequestId: attempted.answer.headers.get('x-amz-request-id'),
      })
      return attempted
    } finally {
      upstreamMs += Math.round(performance.now() - started)
      request.journal.note({ upstream, attempts, upstreamMs })
    }
  }
}

/** For requests that clean up: the client's going away does not stop them. */
const cleanUpSignal = ({ upstream }: Exchange): AbortSignal =>
  AbortSignal.timeout(upstream.timeouts.firstByte)

/** Takes an unconfirmed write back, with requests of its own. */
const undoWith =
  (exchange: Exchange) =>
  (attempted: AttemptedRequest): Promise<boolean> =>
    takeBack(attempted, (method, query, headers, body) =>
      exchange.send(
        { method, address: attempted.request.address, query, headers, body, repeatable: true },
        cleanUpSignal(exchange),
      ),
    ).catch(() => false)

const confirmWith =
  (exchange: Exchange) =>
  (attempted: AttemptedRequest): Awaitable<ConfirmedRequest> =>
    confirm(attempted, exchange.profile, undoWith(exchange))

/** A request with its ETags and checksums as the provider takes them. */
const forProvider = (
  request: ReceivedRequest,
  etagsAt: EtagsAt,
  { upstream, profile }: Exchange,
): ReceivedRequest =>
  withProviderChecksums(withProviderEtags(request, etagsAt), takesTrailers(upstream, profile))

/** What saves requests, and is no truth. */
interface Memory {
  readonly versions: VersionMemory
  readonly blocks: BlockMemory
}

const createMemory = (): Memory => ({
  versions: new LRUCache({ maxSize: REMEMBERED_VERSIONS, sizeCalculation: () => 1 }),
  blocks: new LRUCache(BLOCKS),
})

const carryOut = (
  request: EnforcedRequest,
  exchange: Exchange,
  { versions, blocks }: Memory,
  parts: Parts,
  signal: AbortSignal,
): Promise<AttemptedRequest> => {
  const { now, copyLimits: limits = S3_LIMITS } = parts
  const attempting = createAttempting(exchange, versions, newerWith(parts))
  const rooms: AmendRooms = {
    blocks,
    profile: exchange.profile,
    limits,
    now,
    attempt: step => attempting(step, signal),
    confirm: confirmWith(exchange),
    cleanUp: step => attempting(step, cleanUpSignal(exchange)),
  }
  if (!request.operation.source) return amend(request, rooms)
  return copy(request, { ...rooms, attempt: step => amend(step, rooms) })
}

/** Writes down for the log who sent a request. */
const noted = (request: AuthenticatedRequest): AuthenticatedRequest => {
  request.journal.note({ client: request.client.name })
  return request
}

const CREATE = operationNamed('CreateMultipartUpload')

const keyringAtFor =
  (policy: Policy, { client, keyrings }: EnforcedRequest): KeyringAt =>
  place => {
    const decision = policy.resolve({ client: client.name, operation: CREATE, ...place })
    return decision.kind === 'encrypt' ? keyrings.get(decision.effect.encrypt.keyring) : undefined
  }

const etagsAtFor = (policy: Policy, client: Client, { upstream, profile }: Exchange): EtagsAt =>
  createEtagsAt(policy, client.name, upstream.etag ?? profile.etag)

/** Builds the rooms with their IO: the only place that knows every room. */
const composeRooms = (parts: Parts): Rooms => {
  const { config, transport, now } = parts
  const signingKeys = createSigningKeys()
  const { clients } = config
  const policy = createPolicy(config.rules)
  const memory = createMemory()
  const exchangeParts = { upstreams: config.upstreams, transport, signingKeys, now }
  const exchanges = new Map(clients.map(client => [client, createExchange(client, exchangeParts)]))
  const exchangeOf = (client: Client): Exchange =>
    exchanges.get(client) ?? createExchange(client, exchangeParts)
  const etagsAtOf = (client: Client): EtagsAt => etagsAtFor(policy, client, exchangeOf(client))
  const viewOf = (request: EnforcedRequest): ClientView => ({
    keyringAt: keyringAtFor(policy, request),
    etagsAt: etagsAtOf(request.client),
    documentBytes: config.limits.documentBytes,
  })
  const authenticate = createAuthenticate(clients, signingKeys)
  const authenticateForm = createAuthenticateForm(clients, signingKeys)
  return {
    preflight: (request, signal) => answerPreflight(request, { clients, exchangeOf }, signal),
    negotiate: () => negotiate(clients),
    authenticate: request => noted(authenticate(request, now())),
    openForm,
    authenticateForm: form => noted(authenticateForm(form, now())),
    decide: request => decide(policy, request),
    findKeys: request =>
      andThen(keyringsFor(request, parts), keyrings => findKeys(keyrings, request)),
    receive: request => receive(request, policy, config.limits.documentBytes),
    enforce: request =>
      enforce(
        forProvider(request, etagsAtOf(request.client), exchangeOf(request.client)),
        exchangeOf(request.client).profile,
      ),
    attempt: (request, signal) =>
      carryOut(request, exchangeOf(request.client), memory, parts, signal),
    confirm: attempted => confirmWith(exchangeOf(attempted.request.client))(attempted),
    toClient: (confirmed, received) => toClient(confirmed, received, viewOf(confirmed.request)),
    toForm,
    speak: (answer, { dialect, address, headers }) =>
      toClientDialect(dialect, address.level, headers, answer),
  }
}

/** The ways through the rooms. */
export interface Ways {
  /** For requests as a listener receives them. */
  readonly journey: Journey
  /** For those that another API's lane has authenticated, and said in S3's words. */
  readonly carry: Carry
}

/** Builds the rooms, and the ways through them. */
export const composeWays = (parts: Parts): Ways => {
  const rooms = composeRooms(parts)
  const journey = createProxy(rooms)
  const { patience = USUAL_PATIENCE } = parts
  return {
    journey: (request, signal) => keepAlive(journey(request, signal), request, patience),
    carry: createCarry(rooms),
  }
}

/** The journey alone. */
export const compose = (parts: Parts): Journey => composeWays(parts).journey
