import { createRequire } from 'node:module'

/** What the SDK's signer reads of a request, and where it leaves the signature. */
export interface SdkRequest {
  readonly method: string
  readonly headers: Record<string, string>
  /** Encoded, with the bucket. */
  readonly uri: string
  /** With its `?`, encoded. */
  readonly urlPath: string
}

export interface SdkContext {
  readonly signature: 'obs' | 'v2'
  readonly headerPrefix: string
  readonly headerMetaPrefix: string
  readonly authPrefix: string
  readonly stsToken: string
}

interface SdkUtils {
  doAuth(request: SdkRequest, method: string, context: SdkContext): void
}

// The signer that the vendor's own SDK signs with: not part of its interface, so the version is pinned.
const { doAuth } = (
  createRequire(import.meta.url)('esdk-obs-nodejs/lib/utils.js') as { prototype: SdkUtils }
).prototype

const context = (signature: 'obs' | 'v2', word: string, authPrefix: string): SdkContext => ({
  signature,
  headerPrefix: `x-${word}-`,
  headerMetaPrefix: `x-${word}-meta-`,
  authPrefix,
  stsToken: `x-${word}-security-token`,
})

const CONTEXTS = { OBS: context('obs', 'obs', 'OBS'), AWS: context('v2', 'amz', 'AWS') }

/** The Authorization header that esdk-obs-nodejs gives a request. */
export const sdkAuthorization = (
  scheme: 'OBS' | 'AWS',
  request: SdkRequest,
  accessKeyId: string,
  secretAccessKey: string,
): string => {
  const signed = { ...request, headers: { ...request.headers } }
  const self = { ak: accessKeyId, sk: secretAccessKey, log: { isLevelEnabled: () => false } }
  doAuth.call(self as unknown as SdkUtils, signed, 'test', CONTEXTS[scheme])
  return signed.headers['Authorization'] ?? ''
}
