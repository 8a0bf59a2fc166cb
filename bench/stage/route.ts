/** How one side of a proxy is spoken to. */
export type Scheme = 'http' | 'https'

/** The schemes on both sides of a proxy. */
export interface Route {
  /** As on the command line: `http-https` is from an http client to an https upstream. */
  readonly name: string
  readonly client: Scheme
  readonly upstream: Scheme
}

const route = (client: Scheme, upstream: Scheme): Route => ({
  name: `${client}-${upstream}`,
  client,
  upstream,
})

/** Cluster-internal in and provider out: the likely deployment. */
export const LIKELY = 'http-https'

export const ROUTES: readonly Route[] = [
  route('http', 'http'),
  route('http', 'https'),
  route('https', 'https'),
]
