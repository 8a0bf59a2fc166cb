import type { Test } from 'tap'
import type { Access } from '../clients/client.ts'
import type { Provider } from '../provider.ts'
import type { Site } from '../proxy.ts'

/** One tool at one proxy, with a bucket to itself. */
export interface Scene {
  readonly site: Site
  readonly access: Access
  readonly provider: Provider
  readonly bucket: string
  /** For files; empty at first. */
  readonly folder: string
  /** The customer key that the proxy encrypts the bucket's objects with. */
  readonly key: string
  /** What the bucket must hold, by object key, of a tool that stores files as they are. */
  readonly stored: Map<string, Buffer>
}

/** A thing that users do with a tool, and a test of it. */
export type ToolStep = readonly [name: string, test: (t: Test, scene: Scene) => Promise<void>]

/** A command-line program that speaks S3, knows nothing of SSE-C, and is set up as its users would. */
export interface Tool {
  readonly name: string
  /**
   * Installs it where it is missing; gives its name and version.
   *
   * @throws {Error} where this machine cannot have it
   */
  install(): Promise<string>
  steps(scene: Scene): Promise<readonly ToolStep[]>
}
