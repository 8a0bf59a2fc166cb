import { z } from 'zod'
import { refreshing } from './refreshing.ts'
import { credentials } from './secrets.ts'
import { duration, path, region } from './values.ts'

const connection = {
  region: region.describe('Where the service is. Left out: as the ARN says.').optional(),
  endpoint: z
    .string()
    .describe(
      "Scheme, host and port, such as a VPC endpoint's. Left out: the region's own, by https.",
    )
    .optional(),
  ca: path
    .describe("PEM file of the CAs that may vouch for it, instead of the system's.")
    .optional(),
  insecure: z
    .boolean()
    .describe('Whether a plain-http endpoint that is not loopback is accepted.')
    .default(false),
  credentials: credentials.describe('With what the service is called.').default('chain'),
  timeout: duration.describe('For one answer of the service.').prefault('5s'),
}

// https://docs.aws.amazon.com/kms/latest/developerguide/concepts-key-id.html
const keyId = z.string().regex(/^[A-Za-z0-9:/_-]{1,2048}$/, {
  error: 'must be the id or ARN of a KMS key, or alias/NAME.',
})

/** A keyring whose keys AWS KMS wraps. */
export const awsKms = z.strictObject({
  provider: z.literal('awsKms').describe('A YAML file, whose keys AWS KMS wraps.'),
  path: path.describe(
    'File of the wrapped keys: `ssec-proxy keys generate --keyring NAME` makes it, `keys rotate` adds to it. It is no secret, but nobody else may change it.',
  ),
  keyId: keyId.describe(
    'The symmetric KMS key that wraps new keys: its ARN, its id, or `alias/NAME`. It unwraps those that it wrapped.',
  ),
  olderKeyIds: z
    .array(keyId)
    .describe('KMS keys that wrapped older versions. No key that is not named is believed.')
    .default([]),
  ...connection,
  ...refreshing,
})

/** A keyring in AWS Secrets Manager. */
export const awsSecretsManager = z.strictObject({
  provider: z.literal('awsSecretsManager').describe('A secret of AWS Secrets Manager.'),
  // https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
  secretId: z
    .string()
    .regex(/^[A-Za-z0-9/_+=.@:-]{1,2048}$/, { error: 'must be the name or ARN of a secret.' })
    .describe(
      'Name or ARN of the secret. Its text is the keyring document, or one base64 key (version `v1`).',
    ),
  ...connection,
  ...refreshing,
})

export type KmsShape = z.output<typeof awsKms>
export type SecretShape = z.output<typeof awsSecretsManager>
export type AwsShape = KmsShape | SecretShape

/** The region that a service is called in: as said, or out of `arn:aws:kms:eu-central-1:...`; undefined when nothing says it. */
export const regionOf = (shape: AwsShape): string | undefined => {
  const arn = shape.provider === 'awsKms' ? shape.keyId : shape.secretId
  return shape.region ?? /^arn:[^:]*:[^:]*:([^:]+):/.exec(arn)?.[1]
}

export const isAws = (keyring: { readonly provider: string }): keyring is AwsShape =>
  keyring.provider === 'awsKms' || keyring.provider === 'awsSecretsManager'
