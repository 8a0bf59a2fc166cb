import type { Config } from '../config.ts'
import type { NamedPart, Part, Parts } from '../parts.ts'
import { DEFAULT_REGION } from '../schema/upstream.ts'
import type { Sources } from '../sources.ts'
import { assembleClient } from './client.ts'
import { keyringSources } from './keyring.ts'
import { assembleListen } from './listen.ts'
import { assembleRule } from './rule.ts'
import { assembleUpstream, embeddedSource } from './upstream.ts'

type Assembled = Pick<
  Config,
  'listen' | 'upstreams' | 'clients' | 'keyrings' | 'rules' | 'embedded'
>

const isDefined = <T>(value: T | undefined): value is T => value !== undefined

const wholes = <T>(parts: readonly Part<T>[]): T[] =>
  parts.map(({ whole }) => whole).filter(isDefined)

/** Makes a map of named parts, less those that come to nothing. */
const named = <T, Made>(
  parts: readonly NamedPart<T>[],
  make: (whole: T) => Made | undefined,
): ReadonlyMap<string, Made> =>
  new Map(
    parts.flatMap(({ name, whole }) => {
      const made = whole && make(whole)
      return made === undefined ? [] : [[name, made] as const]
    }),
  )

const regionOf = ({ upstreams }: Parts, upstream: string | undefined): string =>
  upstreams.find(({ name }) => name === upstream)?.options.region ?? DEFAULT_REGION

/** Makes of the parts what the other rooms take. Where a fault was reported, the result lacks that entry. */
export const assembleParts = async (sources: Sources, parts: Parts): Promise<Assembled> => {
  const listen = parts.listen.map(part => assembleListen(sources, part))
  const upstreams = parts.upstreams.map(part => assembleUpstream(sources, part))
  const clients = parts.clients.map(part =>
    assembleClient(sources, part, regionOf(parts, part.options.upstream)),
  )
  return {
    listen: (await Promise.all(listen)).filter(isDefined),
    upstreams: new Map(
      (await Promise.all(upstreams)).filter(isDefined).map(each => [each.name, each]),
    ),
    clients: (await Promise.all(clients)).filter(isDefined),
    keyrings: await keyringSources(sources, parts.keyrings),
    rules: wholes(parts.rules).map(assembleRule),
    embedded: named(parts.upstreams, upstream => embeddedSource(sources, upstream)),
  }
}
