import { resolve } from 'node:path'
import type { Upstream } from '../../transport/upstream.ts'
import { originOf } from '../checks/upstreams.ts'
import type { EmbeddedSource } from '../config.ts'
import type { NamedPart } from '../parts.ts'
import { DEFAULT_REGION, embeddedAddress, type UpstreamShape } from '../schema/upstream.ts'
import { readCertificates, readCredentials, type Sources } from '../sources.ts'

const endpointOf = (value: UpstreamShape): string => {
  if (value.endpoint !== undefined) return originOf(value.endpoint)
  const { host, port } = embeddedAddress(value)
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Makes an upstream, with its credentials and CAs fetched. */
export const assembleUpstream = async (
  sources: Sources,
  { name, path, options, whole }: NamedPart<UpstreamShape>,
): Promise<Upstream | undefined> => {
  const at = (option: string) => [...path, option]
  const credentials =
    options.credentials &&
    (await readCredentials(
      sources,
      at('credentials'),
      options.credentials,
      options.region ?? DEFAULT_REGION,
    ))
  const ca = options.ca && (await readCertificates(sources, at('ca'), options.ca))
  if (whole === undefined) return undefined
  const { provider, region, addressing, etag, copy, signature, connections, timeouts } = whole
  return {
    name,
    provider,
    endpoint: endpointOf(whole),
    region,
    credentials,
    addressing,
    etag,
    copy,
    signature,
    ca,
    connections,
    timeouts,
  }
}

/** What to start for an upstream of provider `embedded`; undefined for any other. */
export const embeddedSource = (
  { folder }: Sources,
  { provider, path, ...address }: Partial<UpstreamShape>,
): EmbeddedSource | undefined =>
  provider === 'embedded' && path !== undefined
    ? { path: resolve(folder, path), ...embeddedAddress(address) }
    : undefined
