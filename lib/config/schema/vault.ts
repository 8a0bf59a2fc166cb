import { z } from 'zod'
import { refreshing } from './refreshing.ts'
import { secretRef } from './secrets.ts'
import { duration, mount, path, vaultPath } from './values.ts'

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

const connection = {
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
  timeout: duration.describe('For one answer of the vault.').prefault('5s'),
}

/** The vault that secrets of the configuration are read from. */
export const secretsVault = z.strictObject(connection).meta({
  id: 'Vault',
  description: 'A HashiCorp Vault or OpenBao that secrets of the configuration are read from.',
})

export type VaultPlace = z.output<typeof secretsVault>

/** A keyring in a KV engine. */
export const vault = z.strictObject({
  provider: z.literal('vault').describe('A secret of HashiCorp Vault or OpenBao, KV version 2.'),
  ...connection,
  mount: mount.describe('Where the KV engine is mounted.').default('secret'),
  path: vaultPath.describe(
    'The secret. Each of its versions holds one key: `key`, base64 of 32 bytes.',
  ),
  ...refreshing,
})

/** A keyring whose keys a Transit engine wraps. */
export const vaultTransit = z.strictObject({
  provider: z
    .literal('vaultTransit')
    .describe('A YAML file, whose keys the Transit engine of HashiCorp Vault or OpenBao wraps.'),
  path: path.describe(
    'File of the wrapped keys: `ssec-proxy keys generate --keyring NAME` makes it, `keys rotate` adds to it. It is no secret, but nobody else may change it.',
  ),
  ...connection,
  mount: mount.describe('Where the Transit engine is mounted.').default('transit'),
  keyName: z
    .string()
    .regex(/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$/, { error: 'must be the name of a Transit key.' })
    .describe('The Transit key that wraps. It must be made with `derived=true`.'),
  ...refreshing,
})
