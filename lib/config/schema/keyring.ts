import { z } from 'zod'
import { derive } from '../../keys/providers/document.ts'
import { path, variable } from './values.ts'

const deriving = derive
  .describe(
    'What shares one customer key: all objects of a version (`none`: the key in the vault is the customer key), those of a bucket, or none (`object`). For versions that do not say it themselves.',
  )
  .default('none')

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
    ],
    {
      error: ({ code }) =>
        code === 'invalid_union'
          ? 'must be file or env.'
          : 'must be {provider: file, path: ...} or {provider: env, variable: ...}.',
    },
  )
  .meta({ id: 'Keyring', description: 'Where the versions of a key are found.' })

export type KeyringShape = z.output<typeof keyring>
