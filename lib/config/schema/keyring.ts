import { z } from 'zod'
import { awsKms, awsSecretsManager } from './aws.ts'
import { deriving, refreshing } from './refreshing.ts'
import { duration, path, variable } from './values.ts'
import { vault, vaultTransit } from './vault.ts'

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
      vaultTransit,
      awsKms,
      awsSecretsManager,
      exec,
    ],
    {
      error: ({ code }) =>
        code === 'invalid_union'
          ? 'must be file, env, vault, vaultTransit, awsKms, awsSecretsManager or exec.'
          : 'must be a group such as {provider: file, path: ...}.',
    },
  )
  .meta({ id: 'Keyring', description: 'Where the versions of a key are found.' })

export type KeyringShape = z.output<typeof keyring>
