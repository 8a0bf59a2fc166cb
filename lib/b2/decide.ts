import type { CustomerKey } from '../keys/customer-key.ts'
import type { Keyrings, Keys } from '../keys/find-keys.ts'
import type { Permission } from '../policy/decide.ts'
import type { Policy, Question } from '../policy/resolve.ts'
import { S3Error } from '../s3/error.ts'
import { operationNamed } from '../s3/operation.ts'
import { operationsOf } from './calls.ts'
import { demandedKeys, wishOfField } from './encryption.ts'
import { keyOfLargeFile } from './large-file.ts'
import type { Located, Target } from './locate.ts'
import { demandsMethod } from './method.ts'
import type { FilePlace } from './places.ts'

/** A located request that may go on, with what it shall be encrypted with. */
export interface Decided extends Located {
  readonly permission: Permission
  /** The keys its file may take, newest first; undefined where the rule passes it through, or it takes none. */
  readonly keys: Keys | undefined
  /** Whether SSE-B2 must encrypt its file. */
  readonly isByMethod: boolean
  /** Where a copy reads with our keys, one of these; none for plaintext. Undefined: as the client says. */
  readonly sourceKeys: readonly (CustomerKey | undefined)[] | undefined
}

export interface DecideParts {
  readonly policy: Policy
  readonly keyrings: Keyrings
}

/** @throws {S3Error} `AccessDenied` */
export const permitted = (policy: Policy, question: Question): Permission => {
  const decision = policy.resolve(question)
  if (decision.kind === 'deny') throw new S3Error('AccessDenied', decision.reason)
  return decision
}

/** The keys that a rule has for a place, newest first. */
export const ringKeys = (
  keyrings: Keyrings,
  permission: Permission,
  { bucket, objectKey }: Target,
): Keys | undefined => {
  if (permission.kind !== 'encrypt' || bucket === undefined || objectKey === undefined)
    return undefined
  const keyring = keyrings.get(permission.effect.encrypt.keyring)
  if (keyring === undefined) throw new Error(`rule ${permission.rule} names no known keyring`)
  return keyring.keysFor({ bucket, objectKey })
}

const GET_OBJECT = operationNamed('GetObject')
const HEAD_OBJECT = operationNamed('HeadObject')

/** @throws {S3Error} `AccessDenied` */
const refusePlainSource = (permission: Permission, { isPlain }: FilePlace): void => {
  if (permission.kind !== 'provider' || permission.effect.plaintextReads === 'allow' || !isPlain)
    return
  const message = `The source is stored unencrypted, and rule '${permission.rule}' denies plaintext reads.`
  throw new S3Error('AccessDenied', message)
}

const decideSource = (
  located: Located,
  source: FilePlace,
  { policy, keyrings }: DecideParts,
): Decided['sourceKeys'] => {
  const client = located.session.client.name
  const permission = permitted(policy, { client, operation: GET_OBJECT, ...source })
  const wish = wishOfField(located.fields['sourceServerSideEncryption'])
  const keys = demandedKeys(permission, ringKeys(keyrings, permission, source), wish)
  refusePlainSource(permission, source)
  if (permission.kind !== 'encrypt') return undefined
  if (source.isEncrypted) return keys
  if (permission.effect.plaintextReads === 'allow') return [undefined]
  throw new S3Error(
    'AccessDenied',
    `The source is stored without SSE-C, and rule '${permission.rule}' denies plaintext reads.`,
  )
}

const askAll = (located: Located, policy: Policy): Permission => {
  const { call, session, request, fields, target } = located
  const client = session.client.name
  const operations = request.method === 'HEAD' ? [HEAD_OBJECT] : operationsOf(call, fields)
  const [first, ...others] = operations.map(operation =>
    permitted(policy, { client, operation, ...target }),
  )
  if (first === undefined) throw new RangeError(`${call.name} is no operation`)
  // Of several, only b2_update_bucket's, none of which takes a key.
  return others.at(-1) ?? first
}

const NO_WISH = { key: undefined, isOther: false }

/** An upload URL is for a file without a name yet: the policy is asked about each upload. */
const UNASKED: Permission = { kind: 'passthrough', rule: '' }

/** The field that says how what a call writes shall be encrypted. */
export const encryptionField = ({ call, source }: Located): string =>
  source === undefined && call.name !== 'b2_copy_file'
    ? 'serverSideEncryption'
    : 'destinationServerSideEncryption'

/**
 * Asks the policy about the request, and for a copy also whether its source may be read.
 *
 * @throws {S3Error} `AccessDenied`, `InvalidRequest`
 */
export const decide = (located: Located, parts: DecideParts): Decided => {
  if (located.call.name === 'b2_get_upload_url') {
    const none = { keys: undefined, sourceKeys: undefined, isByMethod: false }
    return { ...located, permission: UNASKED, ...none }
  }
  const permission = askAll(located, parts.policy)
  located.request.journal.note({ rule: permission.rule })
  const sourceKeys = located.source && decideSource(located, located.source, parts)
  const bound = located.large && keyOfLargeFile(parts.keyrings, located.large)
  const decided = { ...located, permission, sourceKeys, isByMethod: false }
  if (bound !== undefined) return { ...decided, keys: [bound] }
  if (located.call.name === 'b2_finish_large_file')
    return { ...decided, keys: undefined, isByMethod: demandsMethod(permission, NO_WISH) }
  if (located.call.key !== 'document') return { ...decided, keys: undefined }
  const wish = wishOfField(located.fields[encryptionField(located)])
  const ours = ringKeys(parts.keyrings, permission, located.target)
  return {
    ...decided,
    keys: demandedKeys(permission, ours, wish),
    isByMethod: demandsMethod(permission, wish),
  }
}
