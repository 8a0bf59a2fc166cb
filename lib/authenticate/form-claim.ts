import type { Fields } from '../form/form.ts'
import { missingField } from '../form/put.ts'
import { S3Error } from '../s3/error.ts'
import { AWS4, GOOG4, parseAmzDate, type Spelling } from '../sigv4/scope.ts'
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

/** The fields of SigV4, all needed beside the policy. */
const sigv4Fields = ({ prefix }: Spelling): readonly string[] =>
  ['algorithm', 'credential', 'date', 'signature'].map(name => `${prefix}${name}`)

/** The fields that each mechanism has for itself. */
const OWN_FIELDS: Readonly<Record<Scheme | 'token', readonly string[]>> = {
  v4: sigv4Fields(AWS4),
  goog4: sigv4Fields(GOOG4),
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

type Sigv4FormClaim = FormClaim & Pick<Claim, 'scope' | 'spelling'>

/** A form's signature, by the key that it is to be verified with. */
export type SignedForm =
  | { readonly kind: 'sigv4'; readonly claim: Sigv4FormClaim }
  | { readonly kind: 'sigv2'; readonly claim: FormClaim; readonly scheme: Scheme }

/**
 * Reads a form's signature: SigV4's in either spelling, or in one of the shapes of SigV2 and OBS.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html,
 * https://cloud.google.com/storage/docs/xml-api/post-object-forms, https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0012.html
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
      return { kind: 'sigv4', claim: sigv4Claim(fields, AWS4) }
    case 'goog4':
      return { kind: 'sigv4', claim: sigv4Claim(fields, GOOG4) }
    case 'token':
      return { kind: 'sigv2', claim: tokenClaim(needed(fields, 'token')), scheme: 'obs' }
    default:
      return { kind: 'sigv2', claim: sigv2Claim(fields, mechanism), scheme: mechanism }
  }
}

const malformed: Malformed = detail =>
  new S3Error('InvalidArgument', `Error parsing the signature fields of the form; ${detail}`)

const sigv4Claim = (fields: Fields, spelling: Spelling): Sigv4FormClaim => {
  const [policy = '', algorithm, credential = '', date = '', signature = ''] = [
    'policy',
    ...sigv4Fields(spelling),
  ].map(name => needed(fields, name))
  const { label } = spelling
  if (algorithm !== spelling.algorithm) {
    throw malformed(`${label}Algorithm only supports "${spelling.algorithm}"`)
  }
  const { accessKeyId, scope } = parseCredential(credential, spelling, malformed)
  if (parseAmzDate(date) === undefined) throw malformed(`${label}Date is mal-formed.`)
  checkScopeDate(scope, date, malformed)
  return { accessKeyId, scope, spelling, signature, policy }
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
