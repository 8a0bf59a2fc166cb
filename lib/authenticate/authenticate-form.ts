import { checkPolicy } from '../form/check-policy.ts'
import type { Fields, Form } from '../form/form.ts'
import { parsePolicyDocument } from '../form/policy-document.ts'
import { missingField, toPut } from '../form/put.ts'
import { composeFilters, type Payload } from '../s3/body.ts'
import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import { operationNamed } from '../s3/operation.ts'
import { parseAmzDate } from '../sigv4/scope.ts'
import { ALGORITHM, type SigningKeys, signatureOf } from '../sigv4/signature.ts'
import { type Accounts, createAccounts } from './accounts.ts'
import { type AuthenticatedRequest, severalMechanisms } from './authenticate.ts'
import { holdLastByte } from './body-checks.ts'
import { checkScopeDate, type Malformed, parseCredential } from './claim.ts'
import type { Client } from './client.ts'
import { readPayload } from './payload.ts'
import { isSignatureParameter } from './query-claim.ts'
import { settledHeaders } from './settled-headers.ts'
import { equalSignatures } from './verify.ts'

/**
 * Finds the client that signed a form's policy document, holds the form against that document, and makes of it the
 * PutObject that it comes to.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html
 *
 * @throws {S3Error} in AWS's codes and words when there is no such client, or the form is not what was signed
 */
export const createAuthenticateForm = (
  clients: readonly Client[],
  signingKeys: SigningKeys,
): ((form: Form, now: Date) => AuthenticatedRequest) => {
  const accounts = createAccounts(clients, signingKeys)
  // Any page can make a browser send an unsigned form, so a client that is trusted for the way it comes is not here.
  const nobody = clients.find(({ proof }) => proof.kind === 'anonymous')
  return (form, now) => {
    refuseOtherMechanisms(form)
    if (hasSignature(form.fields)) return admit(form, proveSigned(form, accounts, now))
    if (nobody === undefined) throw new S3Error('AccessDenied')
    return admit(form, nobody)
  }
}

const refuseOtherMechanisms = ({ request: { headers, query }, fields }: Form): void => {
  const presigned = query.some(({ name }) => isSignatureParameter(name.toLowerCase()))
  if (presigned || headers.has('authorization')) throw severalMechanisms()
  if (fields.has('awsaccesskeyid') || fields.has('signature')) {
    throw new S3Error(
      'InvalidRequest',
      `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`,
    )
  }
}

const SIGNATURE_FIELDS = [
  'policy',
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-signature',
] as const

const hasSignature = (fields: Fields): boolean => SIGNATURE_FIELDS.some(name => fields.has(name))

type Signature = Readonly<Record<(typeof SIGNATURE_FIELDS)[number], string>>

const signatureIn = (fields: Fields): Signature => {
  const values = SIGNATURE_FIELDS.map(name => {
    const value = fields.get(name)
    if (!value) throw missingField(name)
    return [name, value] as const
  })
  return Object.fromEntries(values) as Signature
}

const malformed: Malformed = detail =>
  new S3Error('InvalidArgument', `Error parsing the signature fields of the form; ${detail}`)

const proveSigned = (form: Form, accounts: Accounts, now: Date): Client => {
  const signature = signatureIn(form.fields)
  if (signature['x-amz-algorithm'] !== ALGORITHM) {
    throw malformed(`X-Amz-Algorithm only supports "${ALGORITHM}"`)
  }
  const { accessKeyId, scope } = parseCredential(signature['x-amz-credential'], malformed)
  const date = signature['x-amz-date']
  if (parseAmzDate(date) === undefined) throw malformed('X-Amz-Date is mal-formed.')
  checkScopeDate(scope, date, malformed)
  const { client, key } = accounts(accessKeyId, scope)
  const isSigned = equalSignatures(signatureOf(key, signature.policy), signature['x-amz-signature'])
  if (client === undefined) throw new S3Error('InvalidAccessKeyId')
  if (!isSigned) throw new S3Error('SignatureDoesNotMatch')
  checkPolicy(parsePolicyDocument(signature.policy), form, now)
  return client
}

const PUT_OBJECT = operationNamed('PutObject')

const admit = (form: Form, client: Client): AuthenticatedRequest => {
  const { address, headers } = toPut(form)
  return {
    ...form.request,
    method: PUT_OBJECT.method,
    address,
    query: [],
    operation: PUT_OBJECT,
    client,
    headers: settledHeaders(headers),
    payload: payloadOf(form, headers),
  } as unknown as AuthenticatedRequest
}

/** The file alone, which no one has signed, checked against the form's checksum. */
const payloadOf = ({ file, length }: Form, headers: Headers): Payload => {
  const payload = readPayload(PUT_OBJECT, headers, { kind: 'unsigned' }, undefined)
  const checks = payload?.filter ?? holdLastByte(length)
  return {
    length,
    hash: 'UNSIGNED-PAYLOAD',
    filter: composeFilters(file, checks),
    trailer: undefined,
  }
}
