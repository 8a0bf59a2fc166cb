import dns from 'node:dns'
import { createRequire } from 'node:module'

/** What every call of the SDK comes to. */
export interface SdkResult {
  readonly CommonMsg: {
    readonly Status: number
    readonly Code: string
    readonly Message: string
    readonly RequestId: string
  }
  readonly InterfaceResult: Readonly<Record<string, unknown>>
}

type Call = (parameters: object) => Promise<SdkResult>
type SignUrl = (parameters: object) => {
  readonly SignedUrl: string
  readonly ActualSignedRequestHeaders: Readonly<Record<string, string>>
}

/** As much of Huawei's own SDK as the tests use. */
export interface ObsSdk {
  readonly createBucket: Call
  readonly headBucket: Call
  readonly getBucketLocation: Call
  readonly listBuckets: Call
  readonly putObject: Call
  readonly getObject: Call
  readonly getObjectMetadata: Call
  readonly copyObject: Call
  readonly appendObject: Call
  readonly initiateMultipartUpload: Call
  readonly uploadPart: Call
  readonly copyPart: Call
  readonly listParts: Call
  readonly completeMultipartUpload: Call
  readonly abortMultipartUpload: Call
  readonly listObjects: Call
  readonly deleteObject: Call
  readonly deleteObjects: Call
  readonly setObjectAcl: Call
  readonly getObjectAcl: Call
  readonly createSignedUrlSync: SignUrl
  readonly createV4SignedUrlSync: SignUrl
  createPostSignatureSync(parameters: object): {
    readonly Policy: string
    readonly Signature: string
    readonly Token: string
  }
  close(): void
}

/** How the SDK is set up. */
export interface ObsMode {
  readonly signature: 'obs' | 'v2'
  /** Else the bucket stands in the host name; in path style the SDK signs with v2 whatever it is told. */
  readonly pathStyle: boolean
}

export const OBS_MODES: readonly ObsMode[] = [
  { signature: 'obs', pathStyle: false },
  { signature: 'v2', pathStyle: false },
  { signature: 'obs', pathStyle: true },
]

export const modeName = ({ signature, pathStyle }: ObsMode): string =>
  `${signature}, ${pathStyle ? 'path style' : 'virtual host'}`

const Sdk = createRequire(import.meta.url)('esdk-obs-nodejs') as new (options: object) => ObsSdk

export interface ObsAccess {
  /** Port on the loopback; `localhost` must be among the proxy's domains. */
  readonly port: number
  readonly tls?: boolean
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

// Names under localhost are the loopback's (RFC 6761 §6.3), which not every resolver knows; the SDK asks this function.
const { lookup } = dns
type Lookup = (name: string, options: object, done: (...found: unknown[]) => void) => void
const lookUpLocally: Lookup = (name, options, done) =>
  (lookup as Lookup)(/(?:^|\.)localhost$/.test(name) ? '127.0.0.1' : name, options, done)
Object.assign(dns, { lookup: lookUpLocally })

/** A client of the SDK, ready to be used. */
export const createObsClient = async (
  { port, tls = false, accessKeyId, secretAccessKey }: ObsAccess,
  { signature, pathStyle }: ObsMode,
): Promise<ObsSdk> => {
  const client = new Sdk({
    access_key_id: accessKeyId,
    secret_access_key: secretAccessKey,
    server: `${tls ? 'https' : 'http'}://localhost:${port}`,
    path_style: pathStyle,
    signature,
    region: 'us-east-1',
    ssl_verify: false,
    max_retry_count: 0,
    timeout: 20,
  })
  // Its constructor only begins to set it up.
  await new Promise(resolve => setTimeout(resolve, 10))
  return client
}
