import type { Profile } from '../dialect/profiles.ts'
import type { Permission } from '../policy/decide.ts'
import type { ProviderMethod } from '../policy/rule.ts'
import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import type { Operation, OperationName } from '../s3/operation.ts'
import type { S3Response } from '../s3/response.ts'
import { echoesAny, isTripleHeader } from './headers.ts'

/** As much of a request and its answer as tells whether the method was applied. */
interface Answered {
  readonly request: { readonly permission: Permission; readonly operation: Operation }
  readonly answer: S3Response
}

const METHOD = 'x-amz-server-side-encryption'
const KEY_ID = `${METHOD}-aws-kms-key-id`

/** What a provider's own method is demanded on: a part goes by its upload's. */
const TAKES: ReadonlySet<OperationName> = new Set([
  'PutObject',
  'CopyObject',
  'CreateMultipartUpload',
])

const wordOf = ({ sse }: ProviderMethod): string => (sse === 'kms' ? 'aws:kms' : 'AES256')

/** The headers that demand the method of the request's rule; none where the rule or the operation has none. */
export const methodHeaders = (
  permission: Permission,
  { name }: Operation,
): readonly (readonly [name: string, value: string])[] => {
  if (permission.kind !== 'provider' || !TAKES.has(name)) return []
  const { method } = permission.effect
  return method.sse === 'kms' && method.keyId !== undefined
    ? [
        [METHOD, wordOf(method)],
        [KEY_ID, method.keyId],
      ]
    : [[METHOD, wordOf(method)]]
}

// Providers answer a bare key id with the whole name of the key.
const isKeyNamed = (said: string | undefined, keyId: string): boolean =>
  said === keyId || said?.endsWith(`/${keyId}`) === true

/** Whether an answer's headers say that the method, with the key where one is given, encrypted what it speaks of. */
const says = (answer: Headers, method: ProviderMethod): boolean =>
  answer.get(METHOD) === wordOf(method) &&
  (method.sse !== 'kms' ||
    method.keyId === undefined ||
    isKeyNamed(answer.get(KEY_ID), method.keyId))

const isSuccess = ({ status }: S3Response): boolean => status === 200 || status === 206

// As with customer keys: a creation that is never echoed is vouched for by its parts, which are.
const isExcused = ({ request, answer }: Answered, { silentOn }: Profile): boolean =>
  request.operation.name === 'CreateMultipartUpload' &&
  silentOn.has('CreateMultipartUpload') &&
  !answer.headers.has(METHOD)

/** Whether the answer to a write had to say the rule's method, and does not. */
export const lacksMethod = (attempted: Answered, profile: Profile): boolean => {
  const { request, answer } = attempted
  const { permission, operation } = request
  return (
    permission.kind === 'provider' &&
    operation.echo &&
    operation.class === 'write' &&
    isSuccess(answer) &&
    !says(answer.headers, permission.effect.method) &&
    !isExcused(attempted, profile)
  )
}

/** Whether a read shows an object that no method encrypts. */
export const readsPlaintext = ({ request, answer }: Answered): boolean =>
  request.permission.kind === 'provider' &&
  request.operation.echo &&
  request.operation.class === 'read' &&
  isSuccess(answer) &&
  !answer.headers.has(METHOD) &&
  !echoesAny(answer.headers)

/**
 * Only one method per object: where the rule has the provider's own, no write brings a key.
 *
 * @throws {S3Error} `InvalidArgument` in AWS's words
 */
export const refuseSecondMethod = (
  permission: Permission,
  operation: Operation,
  headers: Headers,
): void => {
  if (permission.kind !== 'provider' || operation.class !== 'write') return
  if (![...headers.keys()].some(name => isTripleHeader('object', name))) return
  throw new S3Error(
    'InvalidArgument',
    `Server Side Encryption with Customer provided key is incompatible with the encryption method specified. Rule '${permission.rule}' encrypts with the provider's own; send the request without a key.`,
  )
}
