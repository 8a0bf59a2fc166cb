import { z } from 'zod'
import { awsKms, awsSecretsManager } from './aws.ts'
import { deriving, refreshing } from './refreshing.ts'
import { secretRef } from './secrets.ts'
import { duration, path, variable } from './values.ts'

const mount = z.string().regex(/^[^/?#\s][^?#\s]{0,127}$/, {
  error: 'must be a mount of the vault, without a slash before it.',
})

const appRole = z
  .strictObject({
    mount: mount.describe('Where the auth method is mounted.').default('approle'),
    roleId: z.string().min(1).describe('The role id, which is no secret.'),
    secretId: secretRef.describe('The secret id.'),
  })
  .meta({ id: 'VaultAppRole', description: 'A login by the auth method AppRole.' })

const kubernetes = z
  .strictObject({
    mount: mount.describe('Where the auth method is mounted.').default('kubernetes'),
    role: z.string().min(1).describe('The role of the auth method.'),
    tokenFile: path
      .describe("File of the service account's token.")
      .default('/var/run/secrets/kubernetes.io/serviceaccount/token'),
  })
  .meta({ id: 'VaultKubernetes', description: 'A login by the auth method Kubernetes.' })

const vaultAuth = z
  .union(
    [
      z.strictObject({ token: secretRef.describe('A token. It is renewed where it can be.') }),
      z.strictObject({ appRole: appRole.describe('A role id and a secret id.') }),
      z.strictObject({ kubernetes: kubernetes.describe('The service account of the pod.') }),
    ],
    { error: 'must be {token: ...}, {appRole: ...} or {kubernetes: ...}.' },
  )
  .meta({ id: 'VaultAuth', description: 'How the proxy logs in to the vault.' })

const vault = z.strictObject({
  provider: z.literal('vault').describe('A secret of HashiCorp Vault or OpenBao, KV version 2.'),
  address: z.string().describe('Scheme, host and port, such as `https://vault.internal:8200`.'),
  namespace: z.string().min(1).describe('The namespace, where there are some.').optional(),
  ca: path
    .describe("PEM file of the CAs that may vouch for it, instead of the system's.")
    .optional(),
  insecure: z
    .boolean()
    .describe('Whether a plain-http address that is not loopback is accepted.')
    .default(false),
  auth: vaultAuth.describe('How the proxy logs in.'),
  mount: mount.describe('Where the KV engine is mounted.').default('secret'),
  path: z
    .string()
    .regex(/^[^/?#\s][^?#\s]{0,255}$/, {
      error: 'must be the path of a secret below the mount, without a slash before it.',
    })
    .describe('The secret. Each of its versions holds one key: `key`, base64 of 32 bytes.'),
  timeout: duration.describe('For one answer of the vault.').prefault('5s'),
  ...refreshing,
})

const exec = z.strictObject({
  provider: z.literal('exec').describe('A program that prints the keyring: for any other vault.'),
  command: z
    .array(z.string())
    .min(1)
    .describe(
      'The program, by its path, and its arguments. No shell reads them. It prints the keyring document, or one base64 key, and ends with 0.',
    ),
  pass: z
    .array(variable)
    .describe('The environment variables that it gets. Left out: none.')
    .default([]),
  timeout: duration.describe('After which it is killed.').prefault('10s'),
  ...refreshing,
})

export const keyring = z
  .discriminatedUnion(
    'provider',
    [
      z.strictObject({
        provider: z.literal('file').describe('A YAML file.'),
        path: path.describe('Keyring file, readable for its owner alone.'),
        readableFor: z
          .enum(['owner', 'group'])
          .describe(
            'Whom the file may be open to. `group`: its group may read it, too, as it may a Secret that Kubernetes mounts for a user other than root.',
          )
          .default('owner'),
        derive: deriving,
      }),
      z.strictObject({
        provider: z.literal('env').describe('An environment variable.'),
        variable: variable.describe(
          'Environment variable that holds the keyring document, or a single base64 key (version `v1`).',
        ),
        derive: deriving,
      }),
      vault,
      awsKms,
      awsSecretsManager,
      exec,
    ],
    {
      error: ({ code }) =>
        code === 'invalid_union'
          ? 'must be file, env, vault, awsKms, awsSecretsManager or exec.'
          : 'must be a group such as {provider: file, path: ...}.',
    },
  )
  .meta({ id: 'Keyring', description: 'Where the versions of a key are found.' })

export type KeyringShape = z.output<typeof keyring>
