import type { AuthenticatedRequest } from '../authenticate/authenticate.ts'
import { type CopySource, parseCopySource } from '../s3/address.ts'
import { S3Error } from '../s3/error.ts'
import { operationNamed } from '../s3/operation.ts'
import { queryValue } from '../s3/query.ts'
import type { Through } from '../s3/request.ts'
import type { Decision, Policy, Question } from './resolve.ts'

/** A decision that lets the request go on. */
export type Permission = Exclude<Decision, { kind: 'deny' }>

/** Where a copy reads from, and what the policy says of reading there. */
export interface PermittedSource {
  readonly place: CopySource
  readonly permission: Permission
}

export type DecidedRequest = Through<
  'policy',
  AuthenticatedRequest & {
    readonly permission: Permission
    readonly copySource: PermittedSource | undefined
  }
>

const GET_OBJECT = operationNamed('GetObject')
const DELETE_OBJECT = operationNamed('DeleteObject')

const permit = (decision: Decision): Permission => {
  if (decision.kind === 'deny') throw new S3Error('AccessDenied', decision.reason)
  return decision
}

const permitted = (policy: Policy, question: Question): Permission =>
  permit(policy.resolve(question))

/** As much of a request as the policy is asked about. */
type Asked = Pick<AuthenticatedRequest, 'operation' | 'address' | 'query'> & {
  readonly client: Pick<AuthenticatedRequest['client'], 'name'>
}

/** What the policy is asked about a request. */
export const questionOf = ({ client, operation, address, query }: Asked): Question => {
  const question = { client: client.name, operation }
  switch (address.level) {
    case 'service':
      return question
    case 'bucket':
      return {
        ...question,
        bucket: address.bucket,
        objectKey: operation.class === 'list' ? queryValue(query, 'prefix') : undefined,
      }
    case 'object':
      return { ...question, bucket: address.bucket, objectKey: address.objectKey }
  }
}

const decideSource = (
  policy: Policy,
  { client, operation, headers }: AuthenticatedRequest,
): PermittedSource | undefined => {
  const source = headers.get('x-amz-copy-source')
  if (!operation.source || source === undefined) return undefined
  const place = parseCopySource(source)
  const question = { client: client.name, operation: GET_OBJECT, ...place }
  return { place, permission: permitted(policy, question) }
}

/**
 * Asks the policy about the request, and for a copy also whether its source may be read. The log is told which rule
 * decided, above all when it denied.
 *
 * @throws {S3Error} `AccessDenied` when a rule denies or none matches.
 */
export const decide = (policy: Policy, request: AuthenticatedRequest): DecidedRequest => {
  const decision = policy.resolve(questionOf(request))
  request.journal.note({ rule: decision.rule })
  return {
    ...request,
    permission: permit(decision),
    copySource: decideSource(policy, request),
  } as DecidedRequest
}

/**
 * Asks the policy about each key of a DeleteObjects document: a rule about a prefix holds there, too.
 *
 * @throws {S3Error} `AccessDenied` for the first key that may not be deleted; then none is.
 */
export const decideDeletes = (
  policy: Policy,
  client: string,
  bucket: string,
  objectKeys: readonly string[],
): void => {
  for (const objectKey of objectKeys) {
    permitted(policy, { client, operation: DELETE_OBJECT, bucket, objectKey })
  }
}
