import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

type Json = Readonly<Record<string, unknown>>

/** A file version, or a large file under way. */
interface Stored {
  readonly fileId: string
  readonly bucketId: string
  readonly fileName: string
  readonly action: string
  readonly key: string | undefined
  readonly mode: string | null
  bytes: Buffer
  readonly parts: Map<number, Buffer>
}

/** One request that reached the server. */
export interface Seen {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** How the server misbehaves. */
export interface B2Manners {
  /** Calls whose answers tell nothing of encryption, since there was none. */
  plain?: readonly string[]
  /** Answers by call, instead of what would be right. */
  answers?: Readonly<
    Record<
      string,
      readonly [status: number, body: Json | Buffer, headers?: Readonly<Record<string, string>>]
    >
  >
  /** Refuses tokens as expired. */
  expired?: boolean
  /** Names its hosts in clear. */
  apiUrl?: string
}

export interface B2Server {
  readonly origin: string
  readonly seen: Seen[]
  readonly manners: B2Manners
  readonly files: Map<string, Stored>
  /** Stores a file by the way. */
  store(fileName: string, bytes: Buffer, key?: string): string
  calls(): string[]
}

class Fault extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string) {
    super(code)
    this.status = status
    this.code = code
  }
}

const md5Of = (key: string): string =>
  createHash('md5').update(Buffer.from(key, 'base64')).digest('base64')

const KEY_HEADERS = 'x-bz-server-side-encryption-customer-'

const keyOfHeaders = ({ headers }: Seen): string | undefined => {
  const key = headers[`${KEY_HEADERS}key`]?.toString()
  if (key === undefined) return undefined
  if (headers[`${KEY_HEADERS}key-md5`] !== md5Of(key)) throw new Fault(400, 'bad_request')
  return key
}

const keyOfField = (value: unknown): string | undefined => {
  const { mode, customerKey, customerKeyMd5 } = (value ?? {}) as Record<string, string>
  if (mode !== 'SSE-C' || customerKey === undefined) return undefined
  if (customerKeyMd5 !== md5Of(customerKey)) throw new Fault(400, 'bad_request')
  return customerKey
}

const modeOf = (key: string | undefined, other: unknown): string | null =>
  key === undefined ? (other === undefined ? null : 'SSE-B2') : 'SSE-C'

const checkKey = (file: Stored, key: string | undefined): void => {
  if (file.key === key) return
  const isWrong = file.key !== undefined && key !== undefined
  throw isWrong ? new Fault(403, 'access_denied') : new Fault(400, 'bad_request')
}

const sseOf = ({ mode }: Stored): Json => ({
  serverSideEncryption: { mode, algorithm: mode === null ? null : 'AES256' },
})

const readBody = async (message: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const TOKEN = 'provider-token'
const UPLOAD_TOKEN = 'provider-upload-token'
const DOWNLOAD_TOKEN = 'provider-download-token'

/** B2's native API as far as the lane needs it, in memory, on two ports: the second is a pod that takes uploads. */
class Simulator {
  readonly seen: Seen[] = []
  readonly manners: B2Manners = {}
  readonly files = new Map<string, Stored>()
  origin = ''
  pod = ''
  #ids = 0

  add(stored: Omit<Stored, 'fileId' | 'parts'>): Stored {
    this.#ids += 1
    const file = { ...stored, fileId: `4_zf${this.#ids}`, parts: new Map() }
    this.files.set(file.fileId, file)
    return file
  }

  route(seen: Seen): readonly [number, Buffer | Json, Record<string, string>?] {
    const [path = '', query = ''] = seen.target.split('?')
    const [, , version = '', call = ''] = path.split('/')
    const name = path.startsWith('/file/') ? 'b2_download_file_by_name' : call
    const forced = this.manners.answers?.[name]
    if (forced) return [forced[0], forced[1], { ...forced[2] }]
    if (name === 'b2_authorize_account') return [200, this.#authorize(version, seen)]
    if (seen.headers.authorization === UPLOAD_TOKEN && seen.host === new URL(this.pod).host) {
      return [200, this.#upload(name, path, seen)]
    }
    this.#checkToken(seen)
    const fields =
      seen.body.length > 0
        ? JSON.parse(seen.body.toString())
        : Object.fromEntries(new URLSearchParams(query))
    if (name.startsWith('b2_download_file')) return this.#download(name, path, fields, seen)
    return [200, this.#call(name, fields)]
  }

  #checkToken({ headers }: Seen): void {
    if (this.manners.expired) throw new Fault(401, 'expired_auth_token')
    if (headers.authorization !== TOKEN && headers.authorization !== DOWNLOAD_TOKEN) {
      throw new Fault(401, 'bad_auth_token')
    }
  }

  #authorize(version: string, { headers }: Seen): Json {
    const pair = Buffer.from(headers.authorization?.slice(6) ?? '', 'base64').toString()
    if (pair !== 'UP:upstream-secret-0123456789' && pair !== 'APP:app-secret-0123456789')
      throw new Fault(401, 'unauthorized')
    const urls = {
      apiUrl: this.manners.apiUrl ?? this.origin,
      downloadUrl: this.origin,
      s3ApiUrl: 'https://s3.provider',
    }
    const common = { accountId: 'account', authorizationToken: TOKEN }
    if (version < 'v3') return { ...common, ...urls, allowed: { bucketId: null, bucketName: null } }
    const allowed = { buckets: [{ id: 'b-2', name: 'restricted' }] }
    return {
      ...common,
      apiInfo: { groupsApi: { groupsApiUrl: this.origin }, storageApi: { ...urls, allowed } },
    }
  }

  #upload(name: string, path: string, seen: Seen): Json {
    const key = keyOfHeaders(seen)
    const last = path.split('/').at(-1) ?? ''
    const mode = this.manners.plain?.includes(name)
      ? null
      : modeOf(key, seen.headers['x-bz-server-side-encryption'])
    if (name === 'b2_upload_part') {
      const file = this.#file(last)
      if (file.key !== key) throw new Fault(400, 'bad_request')
      file.parts.set(Number(seen.headers['x-bz-part-number']), seen.body)
      return { fileId: last, partNumber: 1, ...sseOf({ ...file, mode }) }
    }
    const fileName = decodeURIComponent(seen.headers['x-bz-file-name']?.toString() ?? '')
    const file = this.add({
      bucketId: last,
      fileName,
      action: 'upload',
      key,
      mode,
      bytes: seen.body,
    })
    return { fileId: file.fileId, fileName, ...sseOf(file) }
  }

  #file(fileId: unknown): Stored {
    const file = this.files.get(String(fileId))
    if (file === undefined) throw new Fault(404, 'not_found')
    return file
  }

  #download(
    name: string,
    path: string,
    fields: Json,
    seen: Seen,
  ): readonly [number, Buffer, Record<string, string>] {
    const [, , , ...rest] = path.split('/')
    const wanted = decodeURIComponent(rest.join('/'))
    const file =
      name === 'b2_download_file_by_name'
        ? [...this.files.values()].findLast(({ fileName }) => fileName === wanted)
        : this.#file(fields['fileId'])
    if (file === undefined) throw new Fault(404, 'not_found')
    const key = keyOfField(fields['serverSideEncryption']) ?? keyOfHeaders(seen)
    checkKey(file, key)
    const shown =
      key === undefined
        ? {}
        : { [`${KEY_HEADERS}algorithm`]: 'AES256', [`${KEY_HEADERS}key-md5`]: md5Of(key) }
    return [200, file.bytes, { 'x-bz-file-id': file.fileId, ...shown }]
  }

  #copy(name: string, fields: Json): Json {
    const source = this.#file(fields['sourceFileId'])
    if (keyOfField(fields['sourceServerSideEncryption']) !== source.key)
      throw new Fault(403, 'access_denied')
    const key = keyOfField(fields['destinationServerSideEncryption'])
    const mode = this.manners.plain?.includes(name)
      ? null
      : modeOf(key, fields['destinationServerSideEncryption'])
    if (name === 'b2_copy_part') {
      const file = this.#file(fields['largeFileId'])
      if (file.key !== key) throw new Fault(400, 'bad_request')
      file.parts.set(Number(fields['partNumber']), source.bytes)
      return { fileId: file.fileId, ...sseOf({ ...file, mode }) }
    }
    const bucketId = String(fields['destinationBucketId'] ?? source.bucketId)
    const fileName = String(fields['fileName'])
    const file = this.add({ bucketId, fileName, action: 'copy', key, mode, bytes: source.bytes })
    return { fileId: file.fileId, fileName, ...sseOf(file) }
  }

  #start(fields: Json): Json {
    const key = keyOfField(fields['serverSideEncryption'])
    const mode = this.manners.plain?.includes('b2_start_large_file')
      ? null
      : modeOf(key, fields['serverSideEncryption'])
    const { bucketId, fileName } = fields as Record<string, string>
    const file = this.add({
      bucketId: bucketId ?? '',
      fileName: fileName ?? '',
      action: 'start',
      key,
      mode,
      bytes: Buffer.alloc(0),
    })
    return { fileId: file.fileId, fileName, ...sseOf(file) }
  }

  #finish(fields: Json): Json {
    const file = this.#file(fields['fileId'])
    file.bytes = Buffer.concat([...file.parts].sort(([a], [b]) => a - b).map(([, bytes]) => bytes))
    const mode = this.manners.plain?.includes('b2_finish_large_file') ? null : file.mode
    return { fileId: file.fileId, fileName: file.fileName, ...sseOf({ ...file, mode }) }
  }

  #call(name: string, fields: Json): Json {
    switch (name) {
      case 'b2_list_buckets':
        return {
          buckets: [
            { bucketId: 'b-1', bucketName: 'photos' },
            { bucketId: 'b-3', bucketName: 'plain' },
          ],
        }
      case 'b2_get_upload_url':
        return {
          ...fields,
          uploadUrl: `${this.pod}/b2api/v2/b2_upload_file/${fields['bucketId']}`,
          authorizationToken: UPLOAD_TOKEN,
        }
      case 'b2_get_upload_part_url':
        return {
          ...fields,
          uploadUrl: `${this.pod}/b2api/v2/b2_upload_part/${fields['fileId']}`,
          authorizationToken: UPLOAD_TOKEN,
        }
      case 'b2_get_download_authorization':
        return { ...fields, authorizationToken: DOWNLOAD_TOKEN }
      case 'b2_copy_file':
      case 'b2_copy_part':
        return this.#copy(name, fields)
      case 'b2_start_large_file':
        return this.#start(fields)
      case 'b2_finish_large_file':
        return this.#finish(fields)
      case 'b2_get_file_info':
        return {
          ...this.#file(fields['fileId']),
          ...sseOf(this.#file(fields['fileId'])),
          bytes: undefined,
          key: undefined,
        }
      case 'b2_delete_file_version':
      case 'b2_cancel_large_file':
        if (!this.files.delete(String(fields['fileId']))) throw new Fault(404, 'not_found')
        return fields
      default:
        return { said: fields }
    }
  }
}

const listen = async (
  t: Test,
  handle: (message: IncomingMessage, response: ServerResponse) => void,
): Promise<string> => {
  const server: Server = createServer(handle).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const answerWith = async (
  simulator: Simulator,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const body = await readBody(message)
  const { method = '', url: target = '', headers } = message
  const seen = { method, target, host: headers.host ?? '', headers, body }
  simulator.seen.push(seen)
  try {
    const [status, content, more = {}] = simulator.route(seen)
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content))
    response.writeHead(status, {
      'content-length': bytes.length,
      connection: 'keep-alive',
      ...more,
    })
    response.end(bytes)
  } catch (error) {
    const { status, code } = error instanceof Fault ? error : new Fault(500, String(error))
    // B2 quotes what it was sent, as any provider might.
    const quoted = headers[`${KEY_HEADERS}key`]?.toString() ?? ''
    response.writeHead(status)
    response.end(JSON.stringify({ status, code, message: `refused ${quoted}` }))
  }
}

/** Starts a B2 of two hosts, the second of them a pod that takes uploads. */
export const startB2 = async (t: Test): Promise<B2Server> => {
  const simulator = new Simulator()
  const handle = (message: IncomingMessage, response: ServerResponse): void =>
    void answerWith(simulator, message, response)
  simulator.origin = await listen(t, handle)
  simulator.pod = await listen(t, handle)
  const { origin, seen, manners, files } = simulator
  return {
    origin,
    seen,
    manners,
    files,
    store: (fileName, bytes, key) =>
      simulator.add({
        bucketId: 'b-1',
        fileName,
        action: 'upload',
        key,
        mode: modeOf(key, undefined),
        bytes,
      }).fileId,
    calls: () => seen.map(({ target }) => (target.split('?')[0] ?? '').split('/')[3] ?? target),
  }
}
