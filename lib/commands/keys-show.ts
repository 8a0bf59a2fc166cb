import type { Client } from '../authenticate/client.ts'
import type { CustomerKey } from '../keys/customer-key.ts'
import { createPolicy } from '../policy/resolve.ts'
import type { ObjectPlace } from '../s3/address.ts'
import { operationNamed } from '../s3/operation.ts'
import type { Ready } from '../serving.ts'
import type { Upstream } from '../transport/upstream.ts'
import { clientNamed } from './clients.ts'
import { type Io, toPath, UsageError } from './io.ts'
import { EXIT } from './run.ts'
import { parseObjectUrl } from './s3-url.ts'
import { getReady } from './serve.ts'
import { SECRET_WARNING, shellQuote, table } from './text.ts'

/** Who writes an object, or reads it, tells which keyring it is encrypted with. */
const TELLING = [operationNamed('PutObject'), operationNamed('GetObject')]

/** The keyring whose keys the clients' objects at that place have. */
const keyringNameAt = (
  { config }: Ready,
  clients: readonly Client[],
  place: ObjectPlace,
): string => {
  const policy = createPolicy(config.rules)
  const decisions = clients.flatMap(({ name }) =>
    TELLING.map(operation => policy.resolve({ client: name, operation, ...place })),
  )
  const [keyring, ...others] = new Set(
    decisions.flatMap(each => (each.kind === 'encrypt' ? [each.effect.encrypt.keyring] : [])),
  )
  if (keyring === undefined) throw new UsageError('No rule encrypts this object.')
  if (others.length === 0) return keyring
  throw new UsageError(
    `The rules use several keyrings there: ${[keyring, ...others].join(', ')}. Name a client with --client.`,
  )
}

const keyOf = (
  { keyrings }: Ready,
  keyring: string,
  version: string | undefined,
  place: ObjectPlace,
): CustomerKey => {
  const keys = keyrings.get(keyring)?.keysFor(place) ?? []
  const key = version === undefined ? keys[0] : keys.find(each => each.version === version)
  if (key !== undefined) return key
  const known = keys.map(each => each.version).join(', ')
  throw new UsageError(`Keyring ${keyring} has no version of that id. It has: ${known}.`)
}

const awsLine = (
  upstream: Upstream,
  { bucket, objectKey }: ObjectPlace,
  key: CustomerKey,
): string =>
  [
    ['aws', 's3api', 'get-object'],
    ['--endpoint-url', upstream.endpoint, '--region', upstream.region],
    ['--bucket', bucket, '--key', objectKey],
    ['--sse-customer-algorithm', 'AES256'],
    // With the MD5 given, awscli passes the key on as it is; without, it would encode it once more.
    ['--sse-customer-key', key.base64.expose(), '--sse-customer-key-md5', key.md5],
    ['object.bin'],
  ]
    .map(words => words.map(shellQuote).join(' '))
    .join(' \\\n  ')

/** The command `keys show`: the customer key of an object, to read it without the proxy. */
export const showKey = async (
  url: string,
  options: { readonly config: string; readonly client?: string; readonly version?: string },
  io: Io,
): Promise<number> => {
  const place = parseObjectUrl(url)
  const ready = await getReady(toPath(io, options.config), io.env)
  const clients =
    options.client === undefined
      ? ready.config.clients
      : [clientNamed(ready.config, options.client)]
  const keyring = keyringNameAt(ready, clients, place)
  const key = keyOf(ready, keyring, options.version, place)
  io.stderr.write(SECRET_WARNING)
  io.stdout.write(
    table([
      ['version', `${keyring}/${key.version}`],
      ['key', key.base64.expose()],
      ['key MD5', key.md5],
    ]),
  )
  const upstream = ready.config.upstreams.get(clients[0]?.upstream ?? '')
  if (upstream !== undefined) {
    io.stdout.write(`\nWith the provider's own credentials:\n\n${awsLine(upstream, place, key)}\n`)
  }
  return EXIT.ok
}
