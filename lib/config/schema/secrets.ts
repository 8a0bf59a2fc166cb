import { z } from 'zod'
import { Secret } from '../../s3/secret.ts'
import { mount, path, variable, vaultPath } from './values.ts'

const FORMS =
  'Write {env: NAME}, {file: path}, {vault: ...} or, if it must stand in this file, {insecureLiteral: ...}.'

const secretFault = (input: unknown): string => {
  if (input === undefined) return `is missing. ${FORMS}`
  if (typeof input === 'string') return `must not stand here in plain. ${FORMS}`
  return `must say in one way where the secret is. ${FORMS}`
}

const vaultRef = z
  .strictObject({
    mount: mount.describe('Where the KV engine (version 2) is mounted.').default('secret'),
    path: vaultPath.describe('The secret below the mount.'),
    field: z.string().min(1).describe('Its field.'),
  })
  .meta({
    id: 'VaultField',
    description: 'A field of a secret in the vault that the option `vault` of the whole names.',
  })

export type VaultRef = z.output<typeof vaultRef>

/** Where a secret is found. */
export const secretRef = z
  .union(
    [
      z.strictObject({ env: variable.describe('Environment variable that holds it.') }),
      z.strictObject({
        file: path.describe('File that holds it. One newline at its end does not belong to it.'),
      }),
      z.strictObject({ vault: vaultRef.describe('Field of a secret in the vault.') }),
      z.strictObject({
        insecureLiteral: z
          .string()
          .min(1)
          .describe('The secret itself, readable for everyone who reads the configuration.')
          .transform(text => new Secret(text)),
      }),
    ],
    { error: ({ input }) => secretFault(input) },
  )
  .meta({ id: 'Secret', description: 'Where a secret is found; never the bare text.' })

export type SecretRef = z.output<typeof secretRef>

// It stands before a `/` in the credential scope, and before a `,` in the Authorization header.
export const accessKeyId = z.string().regex(/^[!-+.0-~-]{1,128}$/, {
  error: 'must be 1 to 128 printable characters without space, comma and slash.',
})

export const credentials = z
  .union(
    [
      z.literal('chain'),
      z.strictObject({
        env: variable.describe(
          'Prefix of the variables `<PREFIX>_ACCESS_KEY_ID`, `<PREFIX>_SECRET_ACCESS_KEY` and, where there is one, `<PREFIX>_SESSION_TOKEN`.',
        ),
      }),
      z.strictObject({
        accessKeyId: accessKeyId.describe('The access key id, which is no secret.'),
        secretAccessKey: secretRef.describe('The secret access key.'),
        sessionToken: secretRef.describe('The session token of temporary credentials.').optional(),
      }),
    ],
    { error: 'must be chain, {env: PREFIX} or {accessKeyId: ..., secretAccessKey: ...}.' },
  )
  .meta({
    id: 'Credentials',
    description:
      'A key pair of the provider; or `chain`, what an AWS SDK finds where it runs: environment, shared files, web identity (IRSA), container (ECS, EKS Pod Identity), instance metadata. It is renewed before it ends.',
  })

export type CredentialsRef = z.output<typeof credentials>
