import type { Client } from '../authenticate/client.ts'
import type { Config, ListenAddress } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { pathStyle } from '../s3/address.ts'
import type { Credentials } from '../s3/credentials.ts'
import { recognise } from '../s3/operation.ts'
import { presignedQuery } from '../sigv4/presign.ts'
import { createSigningKeys } from '../sigv4/signature.ts'
import { clientNamed } from './clients.ts'
import { parseHeaderLine } from './header-line.ts'
import { type Io, toPath, UsageError } from './io.ts'
import { EXIT } from './run.ts'
import { parseS3Url, type S3Url } from './s3-url.ts'

export interface PresignOptions {
  readonly config: string
  readonly client?: string
  readonly endpoint?: string
  readonly expires: string
  readonly header?: readonly string[]
}

const METHODS = ['GET', 'PUT']

const parseMethod = (text: string): string => {
  const method = text.toUpperCase()
  if (METHODS.includes(method)) return method
  throw new UsageError(`A URL can be presigned for ${METHODS.join(' and ')}.`)
}

const parsePlace = (url: string): S3Url => {
  const parsed = parseS3Url(url)
  if (parsed.address.level === 'object') return parsed
  throw new UsageError('The URL names no object. Write s3://bucket/key.')
}

/** Seven days, as in S3. */
const MAX_EXPIRES = 604_800

const parseExpires = (text: string): number => {
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (seconds >= 1 && seconds <= MAX_EXPIRES) return seconds
  throw new UsageError(`--expires wants seconds between 1 and ${MAX_EXPIRES}.`)
}

const credentialsOf = ({ name, proof }: Client): Credentials => {
  if (proof.kind === 'signature') return { ...proof, sessionToken: undefined }
  throw new UsageError(`Client ${name} has no access key, so it cannot presign.`)
}

const EVERYWHERE = ['0.0.0.0', '::', '']

const isReachable = (address: ListenAddress): address is Extract<ListenAddress, { kind: 'tcp' }> =>
  address.kind === 'tcp' && !EVERYWHERE.includes(address.host)

const listenerOrigin = ({ listen }: Config): string => {
  const address = listen.find(isReachable)
  if (address === undefined) {
    throw new UsageError('No listener names a host to reach the proxy by. Name it with --endpoint.')
  }
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `${address.tls === undefined ? 'http' : 'https'}://${host}:${address.port}`
}

/** Where the clients of a URL reach the proxy. */
const endpointOf = (config: Config, endpoint: string | undefined): URL => {
  const text = endpoint ?? listenerOrigin(config)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/') return url
  throw new UsageError('--endpoint wants scheme and host: --endpoint https://s3.example.com.')
}

/**
 * The command `presign`: a URL by which whoever has it may read or write one object through the proxy, for a while. The
 * customer key is not in it: the proxy adds that on the way.
 */
export const presign = async (
  method: string,
  url: string,
  options: PresignOptions,
  io: Io,
): Promise<number> => {
  const wanted = {
    method: parseMethod(method),
    ...parsePlace(url),
    expires: parseExpires(options.expires),
  }
  const own = (options.header ?? []).map(parseHeaderLine)
  const config = await loadConfig(toPath(io, options.config), io.env)
  const client = clientNamed(config, options.client)
  const { origin, host } = endpointOf(config, options.endpoint)
  const headers = new Map([...own, ['host', host] as const])
  recognise(wanted.method, wanted.address, wanted.query, headers)
  const path = pathStyle(wanted.address)
  const region = config.upstreams.get(client.upstream)?.region ?? ''
  const keys = createSigningKeys()
  const query = presignedQuery(
    { ...wanted, path, headers, region },
    credentialsOf(client),
    keys,
    io.now(),
  )
  io.stdout.write(`${origin}${path}?${query}\n`)
  if (own.length > 0) io.stderr.write('Send it with just the headers that you gave here.\n')
  return EXIT.ok
}
