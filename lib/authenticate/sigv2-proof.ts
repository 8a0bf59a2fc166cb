import { percentDecode } from '../s3/encoding.ts'
import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import { ORDINARY_PARAMETERS } from '../s3/parameters.ts'
import type { Query } from '../s3/query.ts'
import type { S3Request } from '../s3/request.ts'
import type { Secret } from '../s3/secret.ts'
import { type Flavour, isSignedParameter } from '../sigv2/flavour.ts'
import { signatureOf, signedResource, stringToSign } from '../sigv2/string-to-sign.ts'
import type { Accounts } from './accounts.ts'
import type { Proven } from './proven.ts'
import { checkScheme } from './schemes.ts'
import { headersNotSigned, isActedUpon } from './signed-headers.ts'
import { isSigv2Parameter, type Sigv2Claim, sigv2Scheme } from './sigv2-claim.ts'
import { equalSignatures, queryReadings } from './verify.ts'

/**
 * Finds the client that made a signature of OBS or of AWS's version 2.
 *
 * These sign the headers of one family and some query parameters, by name. What else would change what the request does
 * is refused, since it may be anyone's: a header of another family, and a parameter that is not signed by name.
 */
export const createSigv2Proof =
  (accounts: Accounts) =>
  (request: S3Request, claim: Sigv2Claim): Proven => {
    checkFamily(request.headers, claim.flavour)
    const { client, secret } = accounts(claim.accessKeyId)
    const signed = verifySigv2(request, claim, secret)
    if (client === undefined) throw new S3Error('InvalidAccessKeyId')
    if (signed === undefined) throw new S3Error('SignatureDoesNotMatch')
    checkScheme(client, sigv2Scheme(claim.flavour))
    checkUnsigned(signed)
    const payloadHash =
      request.headers.get(`${claim.flavour.prefix}content-sha256`) ?? 'UNSIGNED-PAYLOAD'
    return { client, query: signed.query, payloadHash, seal: undefined, isLenient: true }
  }

const checkFamily = (headers: Headers, { prefix }: Flavour): void => {
  const foreign = [...headers.keys()].filter(name => isActedUpon(name) && !name.startsWith(prefix))
  if (foreign.length > 0) throw headersNotSigned(foreign)
}

/** A reading of a query, less the signature's own parameters, and what of it was signed. */
interface SignedQuery {
  readonly query: Query
  readonly isSigned: (name: string) => boolean
}

/** The reading under which the signature verifies: signers differ in which parameters they sign. */
const verifySigv2 = (
  request: S3Request,
  { flavour, expires, signature }: Sigv2Claim,
  secret: Secret<string>,
): SignedQuery | undefined => {
  const { method, headers } = request
  const verifies = (query: Query, resource: string, list: ReadonlySet<string>): boolean => {
    const parts = { method, headers, resource, query, expires }
    return equalSignatures(signatureOf(secret, stringToSign(parts, flavour, list)), signature)
  }
  for (const reading of queryReadings(request)) {
    for (const resource of resourcesOf(request)) {
      const list = flavour.subResources.find(each => verifies(reading, resource, each))
      if (list === undefined) continue
      return {
        query: reading.filter(parameter => !isSigv2Parameter(parameter)),
        isSigned: isSignedParameter(flavour, list, expires !== undefined),
      }
    }
  }
  return undefined
}

/**
 * The paths that may have been signed: with the bucket in front; and for a host that the client takes for its bucket's
 * own domain, with that.
 */
const resourcesOf = ({ address, rawPath, headers }: S3Request): readonly string[] => {
  if (address.level === 'service') return [rawPath]
  const inPath = address.level === 'bucket' ? '' : address.objectKey
  if (percentDecode(rawPath.slice(1)) !== inPath) return [signedResource(undefined, rawPath)]
  const host = headers.get('host') ?? ''
  const names = [address.bucket, host, host.replace(/:\d+$/, '')]
  return [...new Set(names)].map(name => signedResource(name, rawPath))
}

/** What narrows an operation may be unsigned, as a listing's prefix always is; what might choose another may not. */
const checkUnsigned = ({ query, isSigned }: SignedQuery): void => {
  const unsigned = query
    .map(({ name }) => name)
    .filter(name => !isSigned(name) && !ORDINARY_PARAMETERS.has(name))
  if (unsigned.length === 0) return
  throw new S3Error(
    'AccessDenied',
    `There were query parameters present in the request which this kind of signature does not cover (${unsigned.join(', ')}). Sign it with AWS4-HMAC-SHA256.`,
  )
}
