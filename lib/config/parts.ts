import { z } from 'zod'
import type { Finding, Path } from '../yaml/fault.ts'
import { shapeOf, wellFormedOptions } from '../yaml/shape.ts'
import { type ClientShape, client } from './schema/client.ts'
import { type KeyringShape, keyring } from './schema/keyring.ts'
import { type RuleShape, rule } from './schema/rule.ts'
import { type UpstreamShape, upstream } from './schema/upstream.ts'
import { name } from './schema/values.ts'
import { secretsVault, type VaultPlace } from './schema/vault.ts'
import {
  type AdminShape,
  adminAddress,
  DEFAULT_LISTEN,
  type ListenShape,
  listenAddress,
} from './schema.ts'

/** What a check has to say. Only a warning leaves the configuration usable. */
export interface Remark extends Finding {
  readonly warning?: true
}

/** An entry of the configuration. */
export interface Part<T> {
  readonly path: Path
  /** Those of its options that are well-formed: enough to check each of them. */
  readonly options: Partial<T>
  /** The entry, when nothing is wrong with it: what is used in the end. */
  readonly whole: T | undefined
}

/** An entry under a name of its own. */
export interface NamedPart<T> extends Part<T> {
  readonly name: string
}

/** The entries of a configuration, to be looked at one by one: so that one report tells every fault. */
export interface Parts {
  readonly listen: readonly Part<ListenShape>[]
  /** At most one. */
  readonly admin: readonly Part<AdminShape>[]
  /** At most one. */
  readonly vault: readonly Part<VaultPlace>[]
  readonly upstreams: readonly NamedPart<UpstreamShape>[]
  readonly clients: readonly Part<ClientShape>[]
  readonly keyrings: readonly NamedPart<KeyringShape>[]
  readonly rules: readonly Part<RuleShape>[]
  /** Every name that is given, also to entries of a wrong shape: to refer to these is no fault. */
  readonly names: Readonly<Record<'upstreams' | 'clients' | 'keyrings', ReadonlySet<string>>>
}

const group = z.record(z.string(), z.unknown())

const optionOf = (value: unknown, name: string): unknown => group.safeParse(value).data?.[name]

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const isName = (value: unknown): value is string => name.safeParse(value).success

const partOf = <S extends z.ZodType>(schema: S, entry: unknown, path: Path): Part<z.output<S>> => {
  const whole = shapeOf(schema, entry).value
  const options = schema instanceof z.ZodObject ? wellFormedOptions(schema, entry) : {}
  return { path, options: whole ?? options, whole }
}

const partsOfList = <S extends z.ZodType>(schema: S, entries: unknown, option: string) =>
  listOf(entries).map((entry, i) => partOf(schema, entry, [option, i]))

const partsOfOption = <S extends z.ZodType>(schema: S, entry: unknown, option: string) =>
  entry === undefined ? [] : [partOf(schema, entry, [option])]

const partsOfGroup = <S extends z.ZodType>(schema: S, entries: unknown, option: string) =>
  Object.entries(group.safeParse(entries).data ?? {})
    .filter(([name]) => isName(name))
    .map(([name, entry]) => ({ name, ...partOf(schema, entry, [option, name]) }))

const namesOf = (entries: unknown): ReadonlySet<string> =>
  new Set(Object.keys(group.safeParse(entries).data ?? {}).filter(isName))

const namesIn = (entries: unknown): ReadonlySet<string> =>
  new Set(
    listOf(entries)
      .map(entry => optionOf(entry, 'name'))
      .filter(isName),
  )

/** The policy file that a configuration names. */
export const policyOf = (config: unknown): string | undefined => {
  const policy = optionOf(config, 'policy')
  return typeof policy === 'string' && policy !== '' ? policy : undefined
}

/**
 * Takes a configuration apart.
 *
 * @param config the document, as plain data
 * @param policy the document that holds the rules: the same, or the file that `policy` names
 */
export const partsOf = (config: unknown, policy: unknown): Parts => {
  const upstreams = optionOf(config, 'upstreams')
  const clients = optionOf(config, 'clients')
  const keyrings = optionOf(config, 'keyrings')
  return {
    listen: partsOfList(listenAddress, optionOf(config, 'listen') ?? DEFAULT_LISTEN, 'listen'),
    admin: partsOfOption(adminAddress, optionOf(config, 'admin'), 'admin'),
    vault: partsOfOption(secretsVault, optionOf(config, 'vault'), 'vault'),
    upstreams: partsOfGroup(upstream, upstreams, 'upstreams'),
    clients: partsOfList(client, clients, 'clients'),
    keyrings: partsOfGroup(keyring, keyrings, 'keyrings'),
    rules: partsOfList(rule, optionOf(policy, 'rules'), 'rules'),
    names: {
      upstreams: namesOf(upstreams),
      clients: namesIn(clients),
      keyrings: namesOf(keyrings),
    },
  }
}
