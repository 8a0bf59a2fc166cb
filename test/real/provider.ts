import { createHash } from 'node:crypto'
import { type Endpoint, type KeyPair, PROVIDER_USER } from './stage.ts'
import { type Answer, type HeaderRecord, send, xmlText, xmlTexts } from './wire/http.ts'
import { encodeKey, type Place } from './wire/place.ts'
import { sign, type Wanted } from './wire/signing.ts'

/** Signs and sends one request. */
export const ask = async (
  endpoint: Endpoint,
  credentials: KeyPair,
  wanted: Wanted,
): Promise<Answer> => send(endpoint, await sign(endpoint, credentials, wanted))

/** The SSE-C headers of a customer key, given as base64 of its 32 bytes. */
export const tripleOf = (key: string): HeaderRecord => ({
  'x-amz-server-side-encryption-customer-algorithm': 'AES256',
  'x-amz-server-side-encryption-customer-key': key,
  'x-amz-server-side-encryption-customer-key-md5': createHash('md5')
    .update(Buffer.from(key, 'base64'))
    .digest('base64'),
})

/** A storage provider asked directly, behind the proxy's back. */
export class Provider {
  readonly endpoint: Endpoint
  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint
  }

  ask(wanted: Wanted): Promise<Answer> {
    return ask(this.endpoint, PROVIDER_USER, wanted)
  }

  /** @throws {Error} when the answer is an error */
  async demand(wanted: Wanted): Promise<Answer> {
    const answer = await this.ask(wanted)
    if (answer.status < 300) return answer
    throw new Error(`${wanted.method} ${wanted.bucket}: ${answer.status} ${answer.body}`)
  }

  async createBucket(bucket: string): Promise<void> {
    await this.demand({ method: 'PUT', bucket })
  }

  /** Reads an object with a customer key, or with none. */
  read(place: Place, key?: string): Promise<Answer> {
    return this.ask({ method: 'GET', ...place, headers: key === undefined ? {} : tripleOf(key) })
  }

  /** Stores an object with a customer key, or in plaintext. */
  async store(place: Place, body: Uint8Array, key?: string): Promise<void> {
    await this.demand({
      method: 'PUT',
      ...place,
      body,
      headers: key === undefined ? {} : tripleOf(key),
    })
  }

  /** Every object key of a bucket that holds less than a thousand. */
  async list(bucket: string): Promise<readonly string[]> {
    const query = { 'list-type': '2', 'encoding-type': 'url' }
    const answer = await this.demand({ method: 'GET', bucket, query })
    return xmlTexts(answer, 'Key').map(key => decodeURIComponent(key.replaceAll('+', ' ')))
  }

  /** Ids of the uploads that were begun and not ended. */
  async listUploads(bucket: string): Promise<readonly string[]> {
    return xmlTexts(
      await this.demand({ method: 'GET', bucket, query: { uploads: '' } }),
      'UploadId',
    )
  }

  /** Numbers of an upload's parts; none when there is no such upload. */
  async listParts(place: Place, uploadId: string): Promise<readonly string[]> {
    const answer = await this.ask({ method: 'GET', ...place, query: { uploadId } })
    return answer.status === 404 ? [] : xmlTexts(answer, 'PartNumber')
  }

  /** Begins an upload with a customer key, or in plaintext; gives its id. */
  async createUpload(place: Place, key?: string): Promise<string> {
    const headers = key === undefined ? {} : tripleOf(key)
    const query = { uploads: '' }
    const answer = await this.demand({ method: 'POST', ...place, query, headers })
    return xmlText(answer, 'UploadId') ?? ''
  }
}

/** Value of `x-amz-copy-source`. */
export const copySource = ({ bucket, objectKey }: Place): string =>
  `/${bucket}/${encodeKey(objectKey)}`
