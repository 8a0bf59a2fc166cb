import { S3Error } from '../s3/error.ts'
import type { S3Request } from '../s3/request.ts'
import type { SigningKeys } from '../sigv4/signature.ts'
import type { Accounts } from './accounts.ts'
import type { Claim } from './claim.ts'
import type { Proven } from './proven.ts'
import { checkScheme } from './schemes.ts'
import { checkAllSigned } from './signed-headers.ts'
import { verify } from './verify.ts'

/** Finds the client that made a SigV4 signature. */
export const createSigv4Proof =
  (accounts: Accounts, signingKeys: SigningKeys) =>
  (request: S3Request, claim: Claim): Proven => {
    checkAllSigned(request.headers, claim.signedHeaders)
    const { client, accessKeyId, secret } = accounts(claim.accessKeyId)
    const key = signingKeys.keyFor(secret, accessKeyId, claim.scope)
    const query = verify(request, claim, key)
    if (client === undefined) throw new S3Error('InvalidAccessKeyId')
    if (query === undefined) throw new S3Error('SignatureDoesNotMatch')
    checkScheme(client, 'v4')
    const { payloadHash, date, scope, signature } = claim
    return { client, query, payloadHash, seal: { key, date, scope, seed: signature } }
  }
