import { readFile } from 'node:fs/promises'
import { type CustomerKey, customerKey } from '../keys/customer-key.ts'
import { createPolicy } from '../policy/resolve.ts'
import type { RekeyWork } from '../rekey/rekey-object.ts'
import type { Goal } from '../rekey/target.ts'
import type { Asker } from '../walk/asker.ts'
import type { BulkOptions } from './bulk-options.ts'
import { type Io, toPath, UsageError } from './io.ts'
import type { ShardOptions } from './shards.ts'
import type { BucketPlace, Speaking, SpeakingOptions } from './speaking.ts'

export interface RekeyCommandOptions extends SpeakingOptions, BulkOptions, ShardOptions {
  readonly to?: string
  readonly fromKeyFile?: string
  readonly dryRun?: boolean
  readonly acl?: boolean
  readonly verify: string
  readonly deletePrevious?: boolean
  readonly json?: boolean
}

const parseGoal = (to: string | undefined): Goal => {
  if (to === undefined) return { kind: 'rule' }
  if (to === 'sse-s3') return { kind: 'method', method: 'AES256', keyId: undefined }
  const [, keyId] = /^kms(?::(.+))?$/.exec(to) ?? ['', null]
  if (keyId !== null) return { kind: 'method', method: 'aws:kms', keyId }
  throw new UsageError('--to wants kms, kms:KEYID or sse-s3; left out: as the rules say.')
}

const KEY_BYTES = 32

/** The key of another tool: 32 raw bytes, or their base64. */
const readForeignKey = async (path: string): Promise<CustomerKey> => {
  const bytes = await readFile(path)
  const key = bytes.length === KEY_BYTES ? bytes : Buffer.from(bytes.toString('latin1'), 'base64')
  if (key.length === KEY_BYTES) return customerKey('key-file', 'foreign', key)
  throw new UsageError(
    '--from-key-file wants a file with a key of 32 bytes, as they are or as base64.',
  )
}

const foreignKeys = async ({ fromKeyFile }: RekeyCommandOptions, io: Io): Promise<CustomerKey[]> =>
  fromKeyFile === undefined ? [] : [await readForeignKey(toPath(io, fromKeyFile))]

const parseVerify = (text: string): boolean => {
  if (text === 'head' || text === 'full') return text === 'full'
  throw new UsageError('--verify wants head or full.')
}

/** What the options of `rekey` say. */
export const workOf = async (
  { ready, client }: Speaking,
  { bucket }: BucketPlace,
  asker: Asker,
  options: RekeyCommandOptions,
  io: Io,
): Promise<RekeyWork> => ({
  asker,
  policy: createPolicy(ready.config.rules),
  keyrings: ready.keyrings,
  client,
  bucket,
  goal: parseGoal(options.to),
  foreign: await foreignKeys(options, io),
  dryRun: options.dryRun === true,
  keepAcl: options.acl === true,
  fullVerify: parseVerify(options.verify),
  deletePrevious: options.deletePrevious === true,
  now: io.now,
})
