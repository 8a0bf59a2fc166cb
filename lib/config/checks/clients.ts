import { meant } from '../../yaml/nearest.ts'
import type { Part, Parts, Remark } from '../parts.ts'
import type { ClientShape } from '../schema/client.ts'
import { checkUnique } from './unique.ts'

type ClientPart = Part<ClientShape>

/** How a client that signs nothing is known; two alike could not be told apart. */
const trustOf = ({ trusted, anonymous }: Partial<ClientShape>): string | undefined => {
  if (anonymous) return 'anonymous'
  return typeof trusted === 'object' ? `subject ${trusted.tlsSubject}` : trusted
}

const at = ({ path }: ClientPart, option: string) => [...path, option]

function* checkDistinct(clients: readonly ClientPart[]): Generator<Remark> {
  yield* checkUnique(
    clients.map(part => ({ path: at(part, 'name'), key: part.options.name })),
    'is the name of an earlier client, too. Give each its own.',
  )
  yield* checkUnique(
    clients.map(part => ({ path: at(part, 'accessKeyId'), key: part.options.accessKeyId })),
    'belongs to an earlier client, too. Give each its own.',
  )
  yield* checkUnique(
    clients.map(part => ({
      path: at(part, part.options.anonymous ? 'anonymous' : 'trusted'),
      key: trustOf(part.options),
    })),
    'is what an earlier client is known by, too. Keep one of the two.',
  )
}

function* checkTrust({ options, path }: ClientPart, { listen }: Parts): Generator<Remark> {
  const hasSocket = listen.some(each => each.options.socket !== undefined)
  const hasClientCa = listen.some(each => each.options.tls?.clientCa !== undefined)
  if (options.trusted === 'unix' && !hasSocket) {
    const message =
      'never comes true, since no listener has a socket. Add {socket: path} to listen.'
    yield { path: [...path, 'trusted'], message, warning: true }
  }
  if (typeof options.trusted === 'object' && !hasClientCa) {
    const message =
      'never comes true, since no listener asks for client certificates. Add tls.clientCa to one.'
    yield { path: [...path, 'trusted'], message, warning: true }
  }
}

const isUnsigned = (part: ClientPart, { upstreams }: Parts): boolean => {
  if (part.options.anonymous || part.options.upstreamCredentials !== undefined) return false
  const upstream = upstreams.find(({ name }) => name === part.options.upstream)?.whole
  return (
    upstream !== undefined && upstream.provider !== 'embedded' && upstream.credentials === undefined
  )
}

function* checkUpstreamOf(part: ClientPart, parts: Parts): Generator<Remark> {
  const { upstream, upstreamCredentials, accessKeyId, anonymous } = part.options
  if (upstream !== undefined && !parts.names.upstreams.has(upstream)) {
    const message = `names no upstream. ${meant(upstream, parts.names.upstreams)}`
    yield { path: at(part, 'upstream'), message }
  }
  if (upstreamCredentials === 'same' && accessKeyId === undefined) {
    const message =
      'has no meaning for a client without a key pair. Give other credentials, or leave it out.'
    yield { path: at(part, 'upstreamCredentials'), message }
  } else if (anonymous && upstreamCredentials !== undefined) {
    const message =
      'has no meaning for the anonymous client, whose requests go on unsigned. Remove it.'
    yield { path: at(part, 'upstreamCredentials'), message }
  }
  if (isUnsigned(part, parts)) {
    const message =
      'has no credentials, and neither has this client for it. Give the upstream credentials, or the client upstreamCredentials.'
    yield { path: at(part, 'upstream'), message }
  }
}

function* checkSignatures({ options, path }: ClientPart): Generator<Remark> {
  if (options.signatures === undefined || options.accessKeyId !== undefined) return
  const message = 'has no meaning for a client without a key pair. Remove it.'
  yield { path: [...path, 'signatures'], message }
}

/** Clients that could not be told apart, never come, or could not be answered. */
export function* checkClients(parts: Parts): Generator<Remark> {
  yield* checkDistinct(parts.clients)
  for (const part of parts.clients) {
    yield* checkTrust(part, parts)
    yield* checkSignatures(part)
    yield* checkUpstreamOf(part, parts)
  }
}
