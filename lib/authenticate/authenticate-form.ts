import { fromClientDialect } from '../dialect/client-dialect.ts'
import { checkPolicy } from '../form/check-policy.ts'
import type { Fields, Form } from '../form/form.ts'
import { parsePolicyDocument } from '../form/policy-document.ts'
import { toPut } from '../form/put.ts'
import { composeFilters, type Payload } from '../s3/body.ts'
import type { ClientDialect } from '../s3/dialect.ts'
import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import { operationNamed } from '../s3/operation.ts'
import { signatureOf as sigv2SignatureOf } from '../sigv2/string-to-sign.ts'
import { type SigningKeys, signatureOf } from '../sigv4/signature.ts'
import { type Account, createAccounts } from './accounts.ts'
import type { AuthenticatedRequest } from './authenticate.ts'
import { holdLastByte } from './body-checks.ts'
import type { Client } from './client.ts'
import { formClaim, type SignedForm } from './form-claim.ts'
import { readPayload } from './payload.ts'
import { severalMechanisms } from './proven.ts'
import { isSignatureParameter } from './query-claim.ts'
import { checkScheme, createOffer, sigv4Scheme } from './schemes.ts'
import { settledHeaders } from './settled-headers.ts'
import { urlFlavour } from './sigv2-claim.ts'
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
  const prove = createFormProof(clients, signingKeys)
  // Any page can make a browser send an unsigned form, so a client that is trusted for the way it comes is not here.
  const nobody = clients.find(({ proof }) => proof.kind === 'anonymous')
  return (form, now) => {
    refuseOtherPlaces(form)
    const signed = formClaim(form.fields)
    const client = signed === undefined ? nobody : prove(signed)
    if (client === undefined) throw new S3Error('AccessDenied')
    if (signed !== undefined) checkPolicy(parsePolicyDocument(signed.claim.policy), form, now)
    return admit(form, client)
  }
}

const refuseOtherPlaces = ({ request: { headers, query } }: Form): void => {
  const presigned = query.some(({ name }) => isSignatureParameter(name.toLowerCase()))
  if (presigned || urlFlavour(query) !== undefined || headers.has('authorization'))
    throw severalMechanisms()
}

const createFormProof = (clients: readonly Client[], signingKeys: SigningKeys) => {
  const accounts = createAccounts(clients)
  const { keyFor } = signingKeys
  const checkOffered = createOffer(clients)
  const signatureFor = ({ secret, accessKeyId }: Account, form: SignedForm): string => {
    const { policy } = form.claim
    return form.kind === 'sigv2'
      ? sigv2SignatureOf(secret, policy)
      : signatureOf(keyFor(secret, accessKeyId, form.claim.scope, form.claim.spelling), policy)
  }
  return (signed: SignedForm): Client => {
    const scheme = signed.kind === 'sigv2' ? signed.scheme : sigv4Scheme(signed.claim.spelling)
    checkOffered(scheme)
    const account = accounts(signed.claim.accessKeyId)
    const isSigned = equalSignatures(signatureFor(account, signed), signed.claim.signature)
    if (account.client === undefined) throw new S3Error('InvalidAccessKeyId')
    if (!isSigned) throw new S3Error('SignatureDoesNotMatch')
    checkScheme(account.client, scheme)
    return account.client
  }
}

const PUT_OBJECT = operationNamed('PutObject')

/** A form's headers are in no dialect: its fields are. */
const formDialect = (fields: Fields): ClientDialect => {
  const names = [...fields.keys()]
  const isObs = names.some(
    name => name === 'accesskeyid' || name === 'token' || name.startsWith('x-obs-'),
  )
  if (isObs) return 'obs'
  return names.some(name => name.startsWith('x-goog-')) ? 'goog' : 'amz'
}

const admit = (form: Form, client: Client): AuthenticatedRequest => {
  const dialect = formDialect(form.fields)
  const said = fromClientDialect(dialect, 'object', { headers: form.fields, query: [] })
  const { address, headers } = toPut({ ...form, fields: said.headers })
  return {
    ...form.request,
    method: PUT_OBJECT.method,
    address,
    query: [],
    operation: PUT_OBJECT,
    client,
    dialect,
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
