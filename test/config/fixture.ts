import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { type LoadedConfig, readConfig } from '../../lib/config/load.ts'
import { ConfigError, faultText } from '../../lib/yaml/fault.ts'

/** Any value that YAML can say. */
export type Data =
  | string
  | number
  | boolean
  | null
  | readonly Data[]
  | { readonly [name: string]: Data }

/** Base64 of 32 bytes, which all are `n`. */
export const keyOf = (n: number): string => Buffer.alloc(32, n).toString('base64')

export const KEYRING = `versions:\n  - { id: v2, key: ${keyOf(2)} }\n  - { id: v1, key: ${keyOf(1)} }\n`

export const ENV = {
  MAIN_ACCESS_KEY_ID: 'PROVIDERKEY',
  MAIN_SECRET_ACCESS_KEY: 'provider/secret+1',
  APP_SECRET: 'client/secret+1',
}

/** A small configuration without a fault. */
export const CONFIG = {
  upstreams: {
    main: {
      provider: 'aws',
      endpoint: 'https://s3.eu-central-1.amazonaws.com',
      region: 'eu-central-1',
      credentials: { env: 'MAIN' },
    },
  },
  clients: [
    { name: 'app', accessKeyId: 'APP', secretAccessKey: { env: 'APP_SECRET' }, upstream: 'main' },
  ],
  keyrings: { main: { provider: 'file', path: 'keys/main.yaml' } },
  rules: [{ name: 'default', buckets: ['*'], encrypt: { keyring: 'main' } }],
} as const satisfies Data

/** A folder with these files, which their owner alone may read. */
export const folderWith = async (
  t: Test,
  files: Readonly<Record<string, string>>,
): Promise<string> => {
  const folder = t.testdir({})
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
    await chmod(join(folder, name), 0o600)
  }
  return folder
}

/** A folder with a configuration, its keyring, and other files. */
export const folderFor = (
  t: Test,
  config: Data,
  files: Readonly<Record<string, string>> = {},
): Promise<string> =>
  folderWith(t, {
    'config.yaml': typeof config === 'string' ? config : JSON.stringify(config, null, 2),
    'keys/main.yaml': KEYRING,
    ...files,
  })

export const load = (folder: string, env: NodeJS.ProcessEnv = ENV): Promise<LoadedConfig> =>
  readConfig(join(folder, 'config.yaml'), env)

/** The faults of the configuration in a folder, as lines, file names relative to it. */
export const faultsOf = async (folder: string, env: NodeJS.ProcessEnv = ENV): Promise<string[]> => {
  try {
    await load(folder, env)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.faults.map(faultText).map(line => line.replaceAll(`${folder}/`, ''))
  }
}

/** The warnings, likewise. */
export const warningsOf = async (folder: string): Promise<string[]> => {
  const { warnings } = await load(folder)
  return warnings.map(faultText).map(line => line.replaceAll(`${folder}/`, ''))
}

/** Lines without their place: `path: message`. */
export const withoutPlace = (line: string): string => line.replace(/^\S+?:\d+:\d+:? /, '')
