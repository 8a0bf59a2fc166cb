import { S3Error } from '../s3/error.ts'
import type { S3Request } from '../s3/request.ts'
import { AWS4 } from '../sigv4/scope.ts'
import type { SigningKeys } from '../sigv4/signature.ts'
import type { Accounts } from './accounts.ts'
import type { Claim } from './claim.ts'
import type { Proven } from './proven.ts'
import { checkScheme, sigv4Scheme } from './schemes.ts'
import { checkAllSigned, leftToBearer } from './signed-headers.ts'
import { verify } from './verify.ts'

/** Finds the client that made a SigV4 signature, in either spelling. */
export const createSigv4Proof =
  (accounts: Accounts, signingKeys: SigningKeys) =>
  (request: S3Request, claim: Claim): Proven => {
    const { spelling, payloadHash, date, scope, signature } = claim
    checkAllSigned(request.headers, signedHeadersOf(claim))
    checkFraming(claim)
    const { client, accessKeyId, secret } = accounts(claim.accessKeyId)
    const key = signingKeys.keyFor(secret, accessKeyId, scope, spelling)
    const query = verify(request, claim, key)
    if (client === undefined) throw new S3Error('InvalidAccessKeyId')
    if (query === undefined) throw new S3Error('SignatureDoesNotMatch')
    checkScheme(client, sigv4Scheme(spelling))
    return { client, query, payloadHash, seal: { key, date, scope, seed: signature } }
  }

/** The headers that may be acted upon. */
const signedHeadersOf = ({ spelling, presigned, signedHeaders }: Claim): readonly string[] => [
  ...signedHeaders,
  ...(presigned ? leftToBearer(signedHeaders) : []),
  // Google does not ask for it among the signed headers: the canonical request ends with it in any case.
  ...(spelling.mayLackPayloadHash ? [`${spelling.prefix}content-sha256`] : []),
]

/** The aws-chunked framing, and its signatures, are AWS's alone. */
const checkFraming = ({ spelling, payloadHash }: Claim): void => {
  if (spelling === AWS4 || !payloadHash.startsWith('STREAMING-')) return
  throw new S3Error(
    'InvalidArgument',
    `${spelling.prefix}content-sha256 must be UNSIGNED-PAYLOAD, or a valid sha256 value.`,
  )
}
