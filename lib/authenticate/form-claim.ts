import type { Fields } from '../form/form.ts'
import { missingField } from '../form/put.ts'
import { S3Error } from '../s3/error.ts'
import { parseAmzDate } from '../sigv4/scope.ts'
import { ALGORITHM } from '../sigv4/signature.ts'
import { type Claim, checkScopeDate, type Malformed, parseCredential } from './claim.ts'
import type { Scheme } from './client.ts'
import { severalMechanisms } from './proven.ts'

/** What a form says of its policy document's signature: well-formed, not yet verified. */
export interface FormClaim {
  readonly accessKeyId: string
  readonly signature: string
  /** The document as it was signed. */
  readonly policy: string
}

/** The fields of SigV4, all needed. */
const SIGV4_FIELDS = [
  'policy',
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-signature',
] as const

/** The fields that each mechanism has for itself. */
const OWN_FIELDS: Readonly<Record<'v4' | 'v2' | 'obs' | 'token', readonly string[]>> = {
  v4: SIGV4_FIELDS.slice(1),
  v2: ['awsaccesskeyid'],
  obs: ['accesskeyid'],
  token: ['token'],
}

type Mechanism = keyof typeof OWN_FIELDS

/**
 * How a form is signed; undefined when it is not.
 *
 * @throws {S3Error} `InvalidArgument` when it is signed in more than one way
 */
const mechanismOf = (fields: Fields): Mechanism | undefined => {
  const [mechanism, ...more] = (Object.keys(OWN_FIELDS) as Mechanism[]).filter(each =>
    OWN_FIELDS[each].some(name => fields.has(name)),
  )
  if (more.length > 0) throw severalMechanisms()
  if (mechanism !== undefined) return mechanism
  if (fields.has('signature')) return 'v2'
  return fields.has('policy') ? 'v4' : undefined
}

const needed = (fields: Fields, name: string): string => {
  const value = fields.get(name)
  if (!value) throw missingField(name)
  return value
}

/** A form's signature, by the key that it is to be verified with. */
export type SignedForm =
  | { readonly kind: 'sigv4'; readonly claim: FormClaim & Pick<Claim, 'scope'> }
  | { readonly kind: 'sigv2'; readonly claim: FormClaim; readonly scheme: Scheme }

/**
 * Reads a form's signature: SigV4's, or in one of the shapes of SigV2 and OBS.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html,
 * https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0012.html
 *
 * @returns none for a form that is not signed
 * @throws {S3Error} `InvalidArgument`
 */
export const formClaim = (fields: Fields): SignedForm | undefined => {
  const mechanism = mechanismOf(fields)
  switch (mechanism) {
    case undefined:
      return undefined
    case 'v4':
      return { kind: 'sigv4', claim: sigv4Claim(fields) }
    case 'token':
      return { kind: 'sigv2', claim: tokenClaim(needed(fields, 'token')), scheme: 'obs' }
    default:
      return { kind: 'sigv2', claim: sigv2Claim(fields, mechanism), scheme: mechanism }
  }
}

const malformed: Malformed = detail =>
  new S3Error('InvalidArgument', `Error parsing the signature fields of the form; ${detail}`)

const sigv4Claim = (fields: Fields): FormClaim & Pick<Claim, 'scope'> => {
  const [policy = '', algorithm, credential = '', date = '', signature = ''] = SIGV4_FIELDS.map(
    name => needed(fields, name),
  )
  if (algorithm !== ALGORITHM) throw malformed(`X-Amz-Algorithm only supports "${ALGORITHM}"`)
  const { accessKeyId, scope } = parseCredential(credential, malformed)
  if (parseAmzDate(date) === undefined) throw malformed('X-Amz-Date is mal-formed.')
  checkScopeDate(scope, date, malformed)
  return { accessKeyId, scope, signature, policy }
}

const sigv2Claim = (fields: Fields, scheme: 'v2' | 'obs'): FormClaim => {
  const [idField = ''] = OWN_FIELDS[scheme]
  return checked({
    accessKeyId: needed(fields, idField),
    signature: needed(fields, 'signature'),
    policy: needed(fields, 'policy'),
  })
}

/** `<access key id>:<signature>:<policy>`. */
const tokenClaim = (token: string): FormClaim => {
  const [, accessKeyId = '', signature = '', policy = ''] =
    /^(.+):([^:]+):([^:]+)$/.exec(token) ?? []
  if (policy === '') throw malformed('the token is not <access key id>:<signature>:<policy>.')
  return checked({ accessKeyId, signature, policy })
}

// One key signs requests and policies alike, so that no request's string to sign may be read as a policy.
const checked = (claim: FormClaim): FormClaim => {
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(claim.policy)) return claim
  throw malformed('the policy is not in base64.')
}
