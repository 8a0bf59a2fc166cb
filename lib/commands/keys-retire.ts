import { audit } from '../audit/audit.ts'
import type { Group } from '../audit/tally.ts'
import { readConfig } from '../config/load.ts'
import type { KeyringSource } from '../keys/providers/load.ts'
import { checkRetirable, restore, retire } from '../keys/retire.ts'
import { compileGlob } from '../policy/glob.ts'
import { createPolicy } from '../policy/resolve.ts'
import type { Rule } from '../policy/rule.ts'
import type { Asker } from '../walk/asker.ts'
import { NO_LEDGER } from '../walk/ledger.ts'
import {
  askerOf,
  type BulkOptions,
  concurrencyOf,
  createAbort,
  untilSignal,
} from './bulk-options.ts'
import { type Io, toPath, UsageError } from './io.ts'
import { keyringNameOf } from './keys-rotate.ts'
import { EXIT } from './run.ts'
import { createShown } from './shown.ts'
import {
  type BucketPlace,
  parseBucketUrl,
  type Speaking,
  type SpeakingOptions,
  speaking,
} from './speaking.ts'
import { table } from './text.ts'

export interface RetireOptions extends SpeakingOptions, BulkOptions {
  readonly keyring?: string
}

/** Every bucket that a rule has encrypted with the keyring must be looked at, as far as the rules name them. */
const checkNamed = (
  rules: readonly Rule[],
  keyring: string,
  places: readonly BucketPlace[],
): void => {
  const buckets = places.filter(({ prefix }) => prefix === '').map(({ bucket }) => bucket)
  for (const { name, match, effect } of rules) {
    if (effect.kind !== 'encrypt' || effect.encrypt.keyring !== keyring) continue
    const missing = (match.buckets ?? ['*']).find(glob => !buckets.some(compileGlob(glob)))
    if (missing === undefined) continue
    throw new UsageError(
      `Rule '${name}' encrypts ${missing} with ${keyring}. Name every bucket of the keyring as a whole: s3://bucket ...`,
    )
  }
}

const UNIMPLEMENTED: readonly number[] = [405, 501]

/** Whether the provider keeps versions of objects at all: one that cannot list them has none. */
const keepsVersions = async (asker: Asker, bucket: string): Promise<boolean> => {
  const query = [
    { name: 'versions', value: '' },
    { name: 'max-keys', value: '1' },
  ]
  const { status } = await asker.ask({ method: 'GET', address: { level: 'bucket', bucket }, query })
  return !UNIMPLEMENTED.includes(status)
}

const auditOne = async (
  { ready, client, exchange }: Speaking,
  { bucket, prefix }: BucketPlace,
  options: RetireOptions,
  io: Io,
): Promise<Group> => {
  const stopping = untilSignal()
  const abort = createAbort()
  const asker = askerOf(exchange, options, abort.signal)
  const versions = await keepsVersions(asker, bucket)
  const range = { bucket, prefix, after: undefined, through: undefined, versions }
  const shown = createShown(io.stderr, asker, range)
  try {
    const { tally, finished } = await audit({
      asker,
      policy: createPolicy(ready.config.rules),
      keyrings: ready.keyrings,
      client: client.name,
      range,
      concurrency: concurrencyOf(options),
      newestOnly: false,
      ledger: NO_LEDGER,
      now: () => performance.now(),
      onFound: () => undefined,
      onStanding: shown.onStanding,
      isOver: stopping.isOver,
    })
    if (!finished) throw new UsageError('Stopped before the end: nothing is retired.')
    return tally.whole
  } finally {
    shown.end()
    abort.abort()
    stopping.dispose()
  }
}

/** What speaks against retiring a version, a row for each bucket. */
const objections = (bucket: string, { states }: Group, version: string): readonly string[][] =>
  [version, 'unreadable', 'refused'].flatMap(state => {
    const objects = states[state]?.objects ?? 0
    return objects === 0 ? [] : [[bucket, state, String(objects)]]
  })

interface Named {
  readonly name: string
  readonly source: KeyringSource
}

const keyringOf = (
  keyrings: ReadonlyMap<string, KeyringSource>,
  wanted: string | undefined,
): Named => {
  const name = keyringNameOf([...keyrings.keys()], wanted)
  const source = keyrings.get(name)
  if (source === undefined) throw new RangeError(`no keyring ${name}`)
  return { name, source }
}

/**
 * The command `keys retire`: takes a version out of use that no object is encrypted with any more. Every version of every
 * object is looked at first.
 */
export const retireKey = (
  id: string,
  urls: readonly string[],
  options: RetireOptions,
  io: Io,
): Promise<number> =>
  speaking(
    options,
    io,
    async speaks => {
      const { config, keyrings } = speaks.ready
      const { name, source } = keyringOf(config.keyrings, options.keyring)
      const around = { env: io.env, now: io.now }
      const versions = keyrings.get(name)?.versions ?? []
      await checkRetirable(source, versions, id, around)
      const places = urls.map(parseBucketUrl)
      checkNamed(config.rules, name, places)
      const found: string[][] = []
      for (const place of places) {
        const group = await auditOne(speaks, place, options, io)
        found.push(...objections(place.bucket, group, `${name}/${id}`))
      }
      if (found.length > 0) {
        io.stdout.write(table([['bucket', 'stored', 'objects'], ...found]))
        io.stderr.write(
          `Not retired: ${name}/${id} may still be needed. Rekey first, or look into what is refused.\n`,
        )
        return EXIT.found
      }
      const where = await retire(source, id, around)
      io.stdout.write(
        `retired: ${name}/${id} is out of use, and kept: ${where}\nBack with: ssec-proxy keys restore ${id} --keyring ${name}\n`,
      )
      return EXIT.ok
    },
    concurrencyOf(options),
  )

/** The command `keys restore`: brings a retired version back, which reads again. */
export const restoreKey = async (
  id: string,
  options: { readonly config: string; readonly keyring?: string },
  io: Io,
): Promise<number> => {
  const { config } = await readConfig(toPath(io, options.config), io.env)
  const { name, source } = keyringOf(config.keyrings, options.keyring)
  await restore(source, id, { env: io.env, now: io.now })
  io.stdout.write(`restored: ${name}/${id} decrypts again\n`)
  return EXIT.ok
}
