import type { Place } from '../wire/place.ts'

/** What is said of an object besides its bytes. */
export interface Described {
  readonly contentType?: string
  readonly metadata?: Readonly<Record<string, string>>
}

export interface Head extends Described {
  readonly size: number
}

/** Bytes `from`–`to`, both included; to the end without `to`; the last `-from` ones when `from` is negative. */
export interface ByteRange {
  readonly from: number
  readonly to?: number
}

/** Value of the Range header. */
export const toRangeHeader = ({ from, to }: ByteRange): string =>
  from < 0 ? `bytes=${from}` : `bytes=${from}-${to ?? ''}`

/** A range of an existing object, as one part of a new one. */
export interface Piece {
  readonly place: Place
  readonly from: number
  readonly to: number
}

export type Ability = 'suffixRange' | 'presignPut'

/** A stock S3 client that knows nothing of SSE-C. */
export interface Client {
  /** What the client has no way to do, and why. */
  readonly lacks: Readonly<Partial<Record<Ability, string>>>

  createBucket(bucket: string): Promise<void>
  putBuffer(place: Place, bytes: Buffer, described?: Described): Promise<void>
  putFile(place: Place, path: string, described?: Described): Promise<void>
  putStream(place: Place, path: string): Promise<void>
  /** With the client's own way for big files: multipart. */
  upload(place: Place, path: string): Promise<void>
  get(place: Place, range?: ByteRange): Promise<Buffer>
  /** With the client's own way for big files: in ranges, where it does so. */
  download(place: Place, path: string): Promise<void>
  head(place: Place): Promise<Head>
  /** Builds an object of pieces with UploadPartCopy. */
  compose(place: Place, pieces: readonly Piece[]): Promise<void>
  copy(source: Place, target: Place): Promise<void>
  /** With the client's own way for big objects: UploadPartCopy; only some clients have one. */
  readonly copyBig?: (source: Place, target: Place) => Promise<void>
  presignGet(place: Place): Promise<string>
  presignPut(place: Place): Promise<string>
  /** Every object key with a prefix. */
  list(bucket: string, prefix: string): Promise<readonly string[]>
  /** With one DeleteObjects. */
  deleteMany(bucket: string, objectKeys: readonly string[]): Promise<void>
  putTags(place: Place, tags: Readonly<Record<string, string>>): Promise<void>
  getTags(place: Place): Promise<Readonly<Record<string, string>>>
  close(): Promise<void>
}

/** How a client finds the server, and how it proves who it is. */
export interface Access {
  readonly origin: string
  /** PEM file of the CA. */
  readonly ca: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}
