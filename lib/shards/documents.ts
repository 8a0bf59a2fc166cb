import { wantedAt } from '../audit/coverage.ts'
import { NO_BODY } from '../body/receive.ts'
import type { CustomerKey } from '../keys/customer-key.ts'
import type { Keyrings } from '../keys/find-keys.ts'
import type { Permission } from '../policy/decide.ts'
import type { Policy } from '../policy/resolve.ts'
import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import { operationNamed } from '../s3/operation.ts'
import type { S3Response } from '../s3/response.ts'
import { echoes, triple } from '../ssec/headers.ts'
import { methodHeaders } from '../ssec/method.ts'
import { type Asked, type Asker, refusalText } from '../walk/asker.ts'
import { listAll, OWN_PREFIX } from '../walk/listing.ts'

/** What stands in the bucket under a name. */
export interface Stored {
  readonly text: string
  readonly etag: string
  /** Whether the provider heeds conditions on writes there. */
  readonly guarded: boolean
}

/** Small texts that bulk commands keep in the bucket itself, encrypted as the rule of their place says. */
export interface Documents {
  read(name: string): Promise<Stored | undefined>
  /** Writes what is not there yet, where the provider can tell, and gives what stands there then. */
  create(name: string, text: string): Promise<Stored>
  /** @returns undefined when another has replaced it, where the provider can tell */
  replace(name: string, text: string, before: Stored): Promise<Stored | undefined>
  names(): Promise<ReadonlySet<string>>
}

/** Where documents lie, and by whose rules. */
export interface DocumentsOptions {
  readonly asker: Asker
  readonly policy: Policy
  readonly keyrings: Keyrings
  /** Name of the client. */
  readonly client: string
  readonly bucket: string
  /** Name of the job that they belong to. */
  readonly job: string
}

const PUT = operationNamed('PutObject')

const failed = (what: string, answer: S3Response): S3Error =>
  new S3Error('UpstreamUnavailable', `${what} could not be kept: ${refusalText(answer)}`)

const textIn = ({ body }: S3Response): string =>
  Buffer.isBuffer(body) ? body.toString('utf8') : ''

const NOTHING: Headers = new Map()

const storedIn = (text: string, { headers }: S3Response, { profile }: Asker): Stored => ({
  text,
  etag: headers.get('etag') ?? '',
  guarded:
    profile.createsOnce && (profile.conditionsOnVersions || !headers.has('x-amz-version-id')),
})

/** How the documents of a job are asked for. */
interface Room {
  readonly asker: Asker
  ask(name: string, asked: Pick<Asked, 'method'> & Partial<Asked>): Promise<S3Response>
  /** @throws {S3Error} `AccessDenied` where no rule lets the client write there */
  permissionAt(name: string): Permission
  keysAt(name: string): readonly CustomerKey[]
}

const roomOf = ({ asker, policy, keyrings, client, bucket, job }: DocumentsOptions): Room => {
  const placeOf = (name: string) => ({ bucket, objectKey: `${OWN_PREFIX}${job}/${name}` })
  return {
    asker,
    ask: (name, asked) => asker.ask({ address: { level: 'object', ...placeOf(name) }, ...asked }),
    keysAt: name => wantedAt(policy, keyrings, client, placeOf(name)).keys,
    permissionAt: name => {
      const place = placeOf(name)
      const decision = policy.resolve({ client, operation: PUT, ...place })
      if (decision.kind !== 'deny') return decision
      throw new S3Error(
        'AccessDenied',
        `Shards keep their ledgers under ${OWN_PREFIX} in the bucket, where client ${client} may not write: ${decision.reason}`,
      )
    },
  }
}

const read = async ({ asker, ask, keysAt }: Room, name: string): Promise<Stored | undefined> => {
  const keys = keysAt(name)
  let refusal: S3Response = { status: 404, headers: NOTHING, body: undefined }
  for (const key of keys.length === 0 ? [undefined] : keys) {
    const headers = new Map(key === undefined ? [] : triple('object', key))
    const answer = await ask(name, { method: 'GET', headers })
    if (answer.status === 200) return storedIn(textIn(answer), answer, asker)
    if (answer.status === 404) return undefined
    refusal = answer
  }
  throw failed(`${OWN_PREFIX}…/${name}`, refusal)
}

/** @returns undefined when a condition held it off */
const write = async (
  room: Room,
  name: string,
  text: string,
  condition: Headers,
): Promise<Stored | undefined> => {
  const permission = room.permissionAt(name)
  const [key] = permission.kind === 'encrypt' ? room.keysAt(name) : []
  const own = key === undefined ? methodHeaders(permission, PUT) : triple('object', key)
  const answer = await room.ask(name, {
    method: 'PUT',
    headers: new Map([...condition, ...own, ['content-type', 'application/json']]),
    body: { kind: 'bytes', bytes: Buffer.from(text), trailer: undefined },
  })
  if (answer.status === 412 || answer.status === 404) return undefined
  if (answer.status >= 300) throw failed(`${OWN_PREFIX}…/${name}`, answer)
  if (key !== undefined && !echoes(answer.headers, key)) {
    await room.ask(name, { method: 'DELETE', body: NO_BODY })
    throw new S3Error('UnconfirmedEncryption')
  }
  return storedIn(text, answer, room.asker)
}

const create = async (room: Room, name: string, text: string): Promise<Stored> => {
  const { createsOnce } = room.asker.profile
  await write(room, name, text, new Map(createsOnce ? [['if-none-match', '*']] : []))
  // Of two that write at once Ceph RGW keeps the first and answers 200 to both: only what stands there counts.
  const stored = await read(room, name)
  if (stored !== undefined) return stored
  throw new S3Error('UpstreamUnavailable', `${OWN_PREFIX}…/${name} vanished once it was written.`)
}

const etagCondition = ({ asker }: Room, { etag, guarded }: Stored): Headers => {
  const { put } = asker.profile.ifMatch
  if (put === 'none' || !guarded) return NOTHING
  return new Map([['if-match', put === 'bare' ? etag.replaceAll('"', '') : etag]])
}

const replace = async (
  room: Room,
  name: string,
  text: string,
  before: Stored,
): Promise<Stored | undefined> => {
  const written = await write(room, name, text, etagCondition(room, before))
  if (written !== undefined) return written
  // A write whose answer was lost, and that was sent again, meets itself.
  const stored = await read(room, name)
  return stored?.text === text ? stored : undefined
}

/** The documents of a job in its bucket. */
export const createDocuments = (options: DocumentsOptions): Documents => {
  const { asker, bucket, job } = options
  const room = roomOf(options)
  const prefix = `${OWN_PREFIX}${job}/`
  return {
    read: name => read(room, name),
    create: (name, text) => create(room, name, text),
    replace: (name, text, before) => replace(room, name, text, before),
    names: async () => {
      const names = new Set<string>()
      const everything = { bucket, prefix, after: undefined, through: undefined, versions: false }
      for await (const { objectKey } of listAll(asker, everything)) {
        names.add(objectKey.slice(prefix.length))
      }
      return names
    },
  }
}
