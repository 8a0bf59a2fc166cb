import { z } from 'zod'
import { type CopyAbility, PROVIDERS, type Signature } from '../../dialect/profiles.ts'
import { credentials } from './secrets.ts'
import { always, duration, host, path, region } from './values.ts'

const timeouts = z
  .strictObject({
    connect: duration.describe('For the connection and its TLS handshake.').prefault('10s'),
    firstByte: duration
      .describe(
        'From the last byte of a request to the first of its answer. A server-side copy answers only when it is done.',
      )
      .prefault('5m'),
    idle: duration.describe('Between two bytes of a body.').prefault('60s'),
  })
  .meta({ id: 'Timeouts', description: 'How long the provider may take.' })

const EMBEDDED_ONLY = ['path', 'host', 'port'] as const
const PROVIDER_ONLY = [
  'endpoint',
  'credentials',
  'addressing',
  'signature',
  'ca',
  'insecure',
] as const

/** The region of a signature when the configuration does not say one. */
export const DEFAULT_REGION = 'us-east-1'

/** Where an embedded upstream listens when the configuration does not say. */
const EMBEDDED = { host: '127.0.0.1', port: 9001 }

const COPIES = ['full', 'same-key-parts', 'none'] as const satisfies readonly CopyAbility[]

const SIGNATURES = ['sigv4', 'goog4', 'obs', 'cos'] as const satisfies readonly Signature[]

const options = z.strictObject({
  provider: z
    .enum([...PROVIDERS.keys()])
    .describe(
      'Whose S3 it is, and so which differences to expect. `generic` suits a provider that is not named; `b2-native` is Backblaze B2 by its native API, for clients of a listener with `api: b2`; `embedded` is an upstream of our own for trial and tests.',
    ),
  endpoint: z
    .string()
    .describe(
      'Scheme, host and port, such as `https://s3.eu-central-1.amazonaws.com`. Required but for `embedded`.',
    )
    .optional(),
  region: region
    .describe('The region in the signature, as the provider names it.')
    .default(DEFAULT_REGION),
  credentials: credentials
    .describe('With what requests are signed for it, unless the client entry says otherwise.')
    .optional(),
  addressing: z
    .enum(['path', 'virtual'])
    .describe(
      'Whether the bucket goes in the path or in the host name. Left out: as the provider likes it.',
    )
    .optional(),
  etag: z
    .enum(['as-is', 'mark'])
    .describe(
      'How clients see the ETags of SSE-C objects: `mark` puts `-0` behind those that look like the MD5 of the bytes and are not. Left out: as the provider needs it.',
    )
    .optional(),
  copy: z
    .enum(COPIES)
    .describe(
      "What the provider's own copies can do where a customer key takes part: all (`full`), UploadPartCopy with the upload's key alone (`same-key-parts`), or `none`. The proxy does the others itself. Left out: as the provider is known; a newer release of it may do more.",
    )
    .optional(),
  signature: z
    .enum(SIGNATURES)
    .describe(
      "How requests are signed, and so in which words they are written: `sigv4` with S3's own headers, `goog4` with Google's, `obs` with Huawei's and HMAC-SHA1, `cos` with Tencent's and HMAC-SHA1. Left out: as the provider likes it.",
    )
    .optional(),
  ca: path
    .describe("PEM file of the CAs that may vouch for the endpoint, instead of the system's.")
    .optional(),
  insecure: z
    .boolean()
    .describe(
      'Whether a plain-http endpoint that is not loopback is accepted. SSE-C keys travel in headers: everyone on the way can read them.',
    )
    .default(false),
  connections: z.int().min(1).max(65535).describe('Connections kept at most.').default(256),
  timeouts: timeouts.describe('How long the provider may take.').prefault({}),
  path: path.describe('`embedded` only: folder of the stored objects.').optional(),
  host: host
    .meta({ description: '`embedded` only: address to listen on.', default: EMBEDDED.host })
    .optional(),
  port: z
    .int()
    .min(1)
    .max(65535)
    .meta({ description: '`embedded` only: port to listen on.', default: EMBEDDED.port })
    .optional(),
})

/** The faults of an upstream whose options do not belong to its provider. */
const checkProvider = (upstream: z.output<typeof options>, report: z.RefinementCtx): void => {
  const embedded = upstream.provider === 'embedded'
  const required = embedded ? 'path' : 'endpoint'
  const foreign = embedded ? PROVIDER_ONLY : EMBEDDED_ONLY
  if (upstream[required] === undefined) {
    const message = `is missing. An upstream of this provider needs it.`
    report.addIssue({ code: 'custom', path: [required], message })
  }
  for (const option of foreign) {
    if (upstream[option] === undefined || upstream[option] === false) continue
    const message = `has no meaning for an upstream of this provider. Remove it.`
    report.addIssue({ code: 'custom', path: [option], message })
  }
}

export const upstream = options.superRefine(checkProvider, always).meta({
  id: 'Upstream',
  description: "A provider's endpoint, and how to speak to it.",
  if: { properties: { provider: { const: 'embedded' } } },
  // biome-ignore lint/suspicious/noThenProperty: JSON Schema's word
  then: { required: ['path'] },
  else: { required: ['endpoint'] },
})

export type UpstreamShape = z.output<typeof upstream>

/** Where an embedded upstream listens. */
export const embeddedAddress = ({
  host = EMBEDDED.host,
  port = EMBEDDED.port,
}: Partial<UpstreamShape>): { readonly host: string; readonly port: number } => ({ host, port })
