import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesOf } from '../bytes.ts'
import type { Client } from '../clients/client.ts'
import type { Provider } from '../provider.ts'
import type { UpstreamName } from '../proxy.ts'
import type { Endpoint } from '../stage.ts'
import type { Place } from '../wire/place.ts'

/** One client at one provider, through the proxy or directly. */
export interface Cell {
  readonly client: Client
  /** Where the client sends its requests. */
  readonly endpoint: Endpoint
  readonly upstream: UpstreamName
  readonly provider: Provider
  /** The customer key of an object; none without a proxy. */
  readonly keyOf: ((place: Place) => Promise<string>) | undefined
  readonly bucket: string
  /** For files. */
  readonly folder: string
  /** What the bucket must hold, by object key. */
  readonly stored: Map<string, Buffer>
}

export const at = ({ bucket }: Cell, objectKey: string): Place => ({ bucket, objectKey })

/** Bytes to store under a name, written down as stored there. */
export const toStore = (cell: Cell, objectKey: string, length: number): Buffer => {
  const bytes = bytesOf(length, `${cell.bucket}/${objectKey}`)
  cell.stored.set(objectKey, bytes)
  return bytes
}

/** As `toStore`, in a file; gives its path. */
export const fileToStore = async (
  cell: Cell,
  objectKey: string,
  length: number,
): Promise<string> => {
  const path = join(cell.folder, 'to-store')
  await writeFile(path, toStore(cell, objectKey, length))
  return path
}

/** What must be under a name. */
export const storedAt = ({ stored }: Cell, objectKey: string): Buffer => {
  const bytes = stored.get(objectKey)
  if (bytes === undefined) throw new Error(`nothing was stored as ${objectKey}`)
  return bytes
}

/** What the client's own way for big files makes of an object. */
export const download = async (cell: Cell, objectKey: string): Promise<Buffer> => {
  const path = join(cell.folder, 'downloaded')
  await cell.client.download(at(cell, objectKey), path)
  return readFile(path)
}
