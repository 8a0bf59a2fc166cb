import type { Certificate } from '../stage/certificate.ts'
import type { Child } from '../stage/child.ts'
import type { Route } from '../stage/route.ts'

/** What a contender needs to start. */
export interface Site {
  readonly route: Route
  /** Where it shall listen, on 127.0.0.1. */
  readonly port: number
  readonly upstreamPort: number
  readonly certificate: Certificate
  /** An empty folder for its configuration, logs and keys. */
  readonly folder: string
  /** Path of the node that runs it, if it is a node program. */
  readonly node: string
}

/** Name of the file in the site's folder that takes a contender's output. */
export const LOG = 'log'

/** A proxy to be measured. */
export interface Contender {
  readonly name: string
  /** Whether it makes the objects SSE-C encrypted; else it passes everything through. */
  readonly encrypts: boolean
  /** What was measured, in the words of its maker; undefined when it is not installed. */
  version(): Promise<string | undefined>
  start(site: Site): Promise<Child>
}

/** `scheme://127.0.0.1:port` of the upstream. */
export const upstreamUrl = ({ route, upstreamPort }: Site): string =>
  `${route.upstream}://127.0.0.1:${upstreamPort}`
