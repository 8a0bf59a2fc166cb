import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { UPSTREAM } from './proxy.ts'

/*
 * A whole account of B2 in memory: buckets, versions, large files, listings, SSE-C. `test/real/b2-upstream.test.ts` has the
 * same clients do the same before b2sdk's own simulator, so that this one is held against that.
 */

type Json = Record<string, unknown>

interface File {
  readonly fileId: string
  readonly bucketId: string
  readonly fileName: string
  action: 'upload' | 'hide' | 'start'
  readonly contentType: string
  readonly fileInfo: Record<string, string>
  readonly uploadTimestamp: number
  readonly mode: string | null
  readonly key: string | undefined
  bytes: Buffer
  sha1: string
  readonly parts: Map<number, Buffer>
}

/** One request that reached the account. */
export interface Reached {
  readonly call: string
  readonly headers: IncomingHttpHeaders
  readonly fields: Json
  readonly length: number
}

export interface Manners {
  /** Calls that store nothing encrypted, and say so. */
  plain: readonly string[]
  /** Answers instead of what would be right, the next ones first, by call. */
  refusals: Partial<Record<string, (readonly [status: number, code: string])[]>>
}

export interface B2Account {
  readonly origin: string
  readonly reached: Reached[]
  readonly manners: Manners
  readonly files: File[]
  /** No token that was given out before is good any more. */
  expire(): void
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

type Answer = readonly [status: number, body: Json | Buffer, headers?: Record<string, string>]

const ACCOUNT = 'account-1'
const KEY = 'x-bz-server-side-encryption-customer-'
const sha1Of = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('hex')
const md5Of = (key: string): string =>
  createHash('md5').update(Buffer.from(key, 'base64')).digest('base64')
const escaped = (text: string): string => encodeURIComponent(text).replaceAll('%2F', '/')

const keyOf = (algorithm: unknown, key: unknown, md5: unknown): string | undefined => {
  if (algorithm === undefined && key === undefined && md5 === undefined) return undefined
  if (algorithm !== 'AES256' || typeof key !== 'string' || md5 !== md5Of(key))
    throw new Fault(400, 'bad_request')
  return key
}

const keyOfHeaders = (headers: IncomingHttpHeaders): string | undefined =>
  keyOf(headers[`${KEY}algorithm`], headers[`${KEY}key`], headers[`${KEY}key-md5`])

const keyOfField = (value: unknown): string | undefined => {
  const { mode, algorithm, customerKey, customerKeyMd5 } = (value ?? {}) as Json
  return mode === 'SSE-C' ? keyOf(algorithm, customerKey, customerKeyMd5) : undefined
}

const modeOf = (key: string | undefined, other: unknown): string | null =>
  key !== undefined ? 'SSE-C' : other === undefined ? null : 'SSE-B2'

const shown = (file: File): Json => ({
  accountId: ACCOUNT,
  action: file.action,
  bucketId: file.bucketId,
  fileId: file.fileId,
  fileName: file.fileName,
  contentLength: file.bytes.length,
  contentSha1: file.sha1,
  contentType: file.contentType,
  fileInfo: file.fileInfo,
  uploadTimestamp: file.uploadTimestamp,
  serverSideEncryption: { mode: file.mode, algorithm: file.mode === null ? null : 'AES256' },
})

/** What a request says: its call, what the path names behind that, and its fields. */
const said = (method: string, target: string, body: Buffer) => {
  const [path = '', query = ''] = target.split('?')
  const [, , , name = '', place = ''] = path.split('/')
  const call = path.startsWith('/file/') ? 'b2_download_file_by_name' : name
  const isJson = method === 'POST' && !call.startsWith('b2_upload_')
  const fields: Json = isJson
    ? JSON.parse(body.toString() || '{}')
    : Object.fromEntries(new URLSearchParams(query))
  return { path, call, place, fields }
}

/** The range of a file that is asked for. */
const spanOf = (range: string | undefined, size: number): readonly [number, number] | undefined => {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? []
  if (from === undefined) return undefined
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  if (first > last) throw new Fault(416, 'range_not_satisfiable')
  return [first, last]
}

const downloadHeaders = (file: File, key: string | undefined): Record<string, string> => {
  const info = Object.entries(file.fileInfo)
  return {
    'content-type': file.contentType,
    'x-bz-file-id': file.fileId,
    'x-bz-file-name': escaped(file.fileName),
    'x-bz-upload-timestamp': String(file.uploadTimestamp),
    ...Object.fromEntries(
      info.map(([name, value]) => [`x-bz-info-${name}`, encodeURIComponent(value)]),
    ),
    ...(key !== undefined && { [`${KEY}algorithm`]: 'AES256', [`${KEY}key-md5`]: md5Of(key) }),
    ...(file.mode === 'SSE-B2' && { 'x-bz-server-side-encryption': 'AES256' }),
  }
}

class Account {
  readonly reached: Reached[] = []
  readonly manners: Manners = { plain: [], refusals: {} }
  readonly files: File[] = []
  readonly buckets = new Map<string, Json>()
  origin = ''
  generation = 1
  #ids = 0

  answer(method: string, target: string, headers: IncomingHttpHeaders, body: Buffer): Answer {
    const { path, call, place, fields } = said(method, target, body)
    this.reached.push({ call, headers, fields, length: body.length })
    const refusal = this.manners.refusals[call]?.shift()
    if (refusal) throw new Fault(...refusal)
    if (call === 'b2_authorize_account') return this.#authorize(headers)
    const wanted = call.startsWith('b2_upload_') ? `upload-${place}` : 'token'
    if (headers.authorization !== `${wanted}-${this.generation}`)
      throw new Fault(401, 'expired_auth_token')
    if (call.startsWith('b2_download')) return this.#download(path, fields, headers)
    if (call === 'b2_upload_file') return [200, this.#upload(place, headers, body)]
    if (call === 'b2_upload_part') return [200, this.#uploadPart(place, headers, body)]
    return [200, this.#call(call, fields)]
  }

  #authorize({ authorization = '' }: IncomingHttpHeaders): Answer {
    const pair = Buffer.from(authorization.slice(6), 'base64').toString()
    if (pair !== `${UPSTREAM.accessKeyId}:${UPSTREAM.secretAccessKey}`)
      throw new Fault(401, 'unauthorized')
    const storageApi = { apiUrl: this.origin, downloadUrl: this.origin }
    const authorizationToken = `token-${this.generation}`
    return [200, { accountId: ACCOUNT, authorizationToken, apiInfo: { storageApi } }]
  }

  #add(call: string, file: Partial<File> & Pick<File, 'bucketId' | 'fileName'>): File {
    this.#ids += 1
    const isPlain = this.manners.plain.includes(call)
    const added: File = {
      fileId: `4_z${String(100_000 - this.#ids)}`,
      action: 'upload',
      contentType: 'application/octet-stream',
      fileInfo: {},
      uploadTimestamp: 1_700_000_000_000 + this.#ids,
      key: undefined,
      bytes: Buffer.alloc(0),
      sha1: 'none',
      parts: new Map(),
      ...file,
      mode: isPlain ? null : (file.mode ?? null),
    }
    this.files.push(added)
    return added
  }

  /** The bytes of an upload, checked by the SHA-1 that comes before or behind them. */
  #checked(headers: IncomingHttpHeaders, body: Buffer): Buffer {
    const said = headers['x-bz-content-sha1']
    const isBehind = said === 'hex_digits_at_end'
    const bytes = isBehind ? body.subarray(0, -40) : body
    const sha1 = isBehind ? body.subarray(-40).toString() : said
    if (sha1 !== sha1Of(bytes)) throw new Fault(400, 'bad_request')
    return bytes
  }

  #upload(bucketId: string, headers: IncomingHttpHeaders, body: Buffer): Json {
    const bytes = this.#checked(headers, body)
    const info = Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith('x-bz-info-') ? [[name.slice(10), decodeURIComponent(String(value))]] : [],
    )
    const key = keyOfHeaders(headers)
    return shown(
      this.#add('b2_upload_file', {
        bucketId,
        fileName: decodeURIComponent(String(headers['x-bz-file-name'])),
        contentType: String(headers['content-type']),
        fileInfo: Object.fromEntries(info),
        key,
        mode: modeOf(key, headers['x-bz-server-side-encryption']),
        bytes,
        sha1: sha1Of(bytes),
      }),
    )
  }

  #uploadPart(fileId: string, headers: IncomingHttpHeaders, body: Buffer): Json {
    const file = this.#file(fileId)
    if (keyOfHeaders(headers) !== file.key) throw new Fault(400, 'bad_request')
    return this.#addPart(
      'b2_upload_part',
      file,
      Number(headers['x-bz-part-number']),
      this.#checked(headers, body),
    )
  }

  #addPart(call: string, file: File, partNumber: number, bytes: Buffer): Json {
    file.parts.set(partNumber, bytes)
    const mode = this.manners.plain.includes(call) ? null : file.mode
    const { fileId } = file
    return { ...shown({ ...file, mode }), fileId, partNumber, contentSha1: sha1Of(bytes) }
  }

  #file(fileId: unknown): File {
    const found = this.files.find(file => file.fileId === fileId)
    if (found === undefined) throw new Fault(404, 'not_found')
    return found
  }

  #latest(bucketId: string, fileName: string): File | undefined {
    const versions = this.files.filter(
      file => file.bucketId === bucketId && file.fileName === fileName && file.action !== 'start',
    )
    return versions.at(-1)
  }

  #checkKey(file: File, key: string | undefined): void {
    if (file.key === key) return
    throw file.key === undefined ? new Fault(400, 'bad_request') : new Fault(403, 'access_denied')
  }

  #download(path: string, fields: Json, headers: IncomingHttpHeaders): Answer {
    const [, , bucketName = '', ...rest] = path.split('/')
    const { bucketId } = this.buckets.get(bucketName) ?? {}
    const file = path.startsWith('/file/')
      ? this.#latest(String(bucketId), decodeURIComponent(rest.join('/')))
      : this.#file(fields['fileId'])
    if (file === undefined || file.action !== 'upload') throw new Fault(404, 'not_found')
    const key = keyOfHeaders(headers)
    this.#checkKey(file, key)
    const told = downloadHeaders(file, key)
    const span = spanOf(headers.range, file.bytes.length)
    if (span === undefined) return [200, file.bytes, told]
    const [first, last] = span
    const range = `bytes ${first}-${last}/${file.bytes.length}`
    return [206, file.bytes.subarray(first, last + 1), { ...told, 'content-range': range }]
  }

  #copy(call: string, fields: Json): Json {
    const source = this.#file(fields['sourceFileId'])
    this.#checkKey(source, keyOfField(fields['sourceServerSideEncryption']))
    const { destinationServerSideEncryption: wanted, largeFileId, range } = fields
    const key = keyOfField(wanted)
    const [, from = 0, to] = /^bytes=(\d+)-(\d+)$/.exec(String(range)) ?? []
    const bytes = source.bytes.subarray(Number(from), to === undefined ? undefined : Number(to) + 1)
    if (call === 'b2_copy_part') {
      const file = this.#file(largeFileId)
      if (file.key !== key) throw new Fault(400, 'bad_request')
      return this.#addPart(call, file, Number(fields['partNumber']), bytes)
    }
    const described = fields['metadataDirective'] === 'REPLACE' ? fields : source
    const { contentType, fileInfo } = described as Pick<File, 'contentType' | 'fileInfo'>
    const bucketId = String(fields['destinationBucketId'] ?? source.bucketId)
    const mode = modeOf(key, wanted)
    const fileName = String(fields['fileName'])
    return shown(
      this.#add(call, {
        bucketId,
        fileName,
        contentType,
        fileInfo,
        key,
        mode,
        bytes,
        sha1: sha1Of(bytes),
      }),
    )
  }

  #start(fields: Json): Json {
    const { bucketId, fileName, contentType, fileInfo } = fields as unknown as File
    const key = keyOfField(fields['serverSideEncryption'])
    const mode = modeOf(key, fields['serverSideEncryption'])
    const started = {
      bucketId,
      fileName,
      contentType,
      fileInfo,
      key,
      mode,
      action: 'start',
    } as const
    return shown(this.#add('b2_start_large_file', started))
  }

  #finish(fields: Json): Json {
    const file = this.#file(fields['fileId'])
    const parts = [...file.parts].sort(([a], [b]) => a - b)
    const isRow = parts.every(([number], index) => number === index + 1)
    const sha1s = parts.map(([, bytes]) => sha1Of(bytes))
    if (!isRow || JSON.stringify(sha1s) !== JSON.stringify(fields['partSha1Array']))
      throw new Fault(400, 'missing_part')
    file.bytes = Buffer.concat(parts.map(([, bytes]) => bytes))
    file.action = 'upload'
    return shown(file)
  }

  /** Versions by name, the newest first; behind a delimiter rolled up to folders. */
  #versions({ bucketId, prefix = '', delimiter = '' }: Json): Json[] {
    const [begin, end] = [String(prefix), String(delimiter)]
    const within = this.files.filter(f => f.bucketId === bucketId && f.fileName.startsWith(begin))
    const sorted = within
      .reverse()
      .sort((a, b) => Buffer.compare(Buffer.from(a.fileName), Buffer.from(b.fileName)))
    const folders = new Set<string>()
    return sorted.flatMap(file => {
      const at = end === '' ? -1 : file.fileName.indexOf(end, begin.length)
      if (at < 0) return [shown(file)]
      const fileName = file.fileName.slice(0, at + end.length)
      if (folders.has(fileName)) return []
      folders.add(fileName)
      return [{ action: 'folder', fileName, fileId: null, contentLength: 0, uploadTimestamp: 0 }]
    })
  }

  #page(files: readonly Json[], fields: Json): Json {
    const { startFileName = '', startFileId, maxFileCount = 100 } = fields
    const named = files.findIndex(({ fileName }) => String(fileName) >= String(startFileName))
    const at =
      startFileId === undefined ? named : files.findIndex(({ fileId }) => fileId === startFileId)
    const from = at < 0 ? [] : files.slice(at)
    const next = from[Number(maxFileCount)]
    return {
      files: from.slice(0, Number(maxFileCount)),
      nextFileName: next?.['fileName'] ?? null,
      nextFileId: next?.['fileId'] ?? null,
    }
  }

  #names(fields: Json): Json {
    const isLatest = (file: Json): boolean =>
      file['action'] === 'folder' ||
      (file['action'] === 'upload' &&
        this.#latest(String(fields['bucketId']), String(file['fileName']))?.fileId ===
          file['fileId'])
    return this.#page(this.#versions(fields).filter(isLatest), fields)
  }

  #drop(fileId: unknown): Json {
    const file = this.#file(fileId)
    this.files.splice(this.files.indexOf(file), 1)
    return shown(file)
  }

  #bucketById(bucketId: unknown): Json {
    const found = [...this.buckets.values()].find(bucket => bucket['bucketId'] === bucketId)
    if (found === undefined) throw new Fault(400, 'bad_bucket_id')
    return found
  }

  #createBucket({ bucketName, bucketType }: Json): Json {
    const name = String(bucketName)
    if (this.buckets.has(name)) throw new Fault(400, 'duplicate_bucket_name')
    this.#ids += 1
    const bucket = { accountId: ACCOUNT, bucketId: `b${this.#ids}`, bucketName, bucketType }
    this.buckets.set(name, bucket)
    return bucket
  }

  #deleteBucket({ bucketId }: Json): Json {
    const bucket = this.#bucketById(bucketId)
    if (this.files.some(file => file.bucketId === bucketId))
      throw new Fault(400, 'cannot_delete_non_empty_bucket')
    this.buckets.delete(String(bucket['bucketName']))
    return bucket
  }

  #updateBucket({ bucketId, bucketType, defaultServerSideEncryption }: Json): Json {
    const bucket = this.#bucketById(bucketId)
    if (bucketType !== undefined) bucket['bucketType'] = bucketType
    if (defaultServerSideEncryption !== undefined)
      bucket['defaultServerSideEncryption'] = {
        isClientAuthorizedToRead: true,
        value: defaultServerSideEncryption,
      }
    return bucket
  }

  #hide({ bucketId, fileName }: Json): Json {
    const latest = this.#latest(String(bucketId), String(fileName))
    if (latest === undefined) throw new Fault(400, 'no_such_file')
    if (latest.action === 'hide') throw new Fault(400, 'already_hidden')
    return shown(
      this.#add('b2_hide_file', {
        bucketId: String(bucketId),
        fileName: String(fileName),
        action: 'hide',
      }),
    )
  }

  #listParts({ fileId, startPartNumber = 1, maxPartCount = 100 }: Json): Json {
    const { uploadTimestamp, parts } = this.#file(fileId)
    const all = [...parts]
      .sort(([a], [b]) => a - b)
      .filter(([number]) => number >= Number(startPartNumber))
    const page = all.slice(0, Number(maxPartCount))
    return {
      parts: page.map(([partNumber, bytes]) => ({
        fileId,
        partNumber,
        uploadTimestamp,
        contentLength: bytes.length,
        contentSha1: sha1Of(bytes),
      })),
      nextPartNumber: all[page.length]?.[0] ?? null,
    }
  }

  #call(call: string, fields: Json): Json {
    switch (call) {
      case 'b2_list_buckets': {
        const { bucketName } = fields
        const all = [...this.buckets.values()]
        return {
          buckets: all.filter(
            each => bucketName === undefined || each['bucketName'] === bucketName,
          ),
        }
      }
      case 'b2_create_bucket':
        return this.#createBucket(fields)
      case 'b2_delete_bucket':
        return this.#deleteBucket(fields)
      case 'b2_update_bucket':
        return this.#updateBucket(fields)
      case 'b2_get_upload_url':
        return this.#uploadUrl('b2_upload_file', this.#bucketById(fields['bucketId'])['bucketId'])
      case 'b2_get_upload_part_url':
        return this.#uploadUrl('b2_upload_part', this.#file(fields['fileId']).fileId)
      case 'b2_get_file_info':
        return shown(this.#file(fields['fileId']))
      case 'b2_list_file_names':
        return this.#names(fields)
      case 'b2_list_file_versions':
        return this.#page(this.#versions(fields), fields)
      case 'b2_list_unfinished_large_files': {
        const { namePrefix: prefix } = fields
        const under = this.#versions({ ...fields, prefix }).filter(
          ({ action }) => action === 'start',
        )
        return this.#page(under, fields)
      }
      case 'b2_list_parts':
        return this.#listParts(fields)
      case 'b2_hide_file':
        return this.#hide(fields)
      case 'b2_start_large_file':
        return this.#start(fields)
      case 'b2_finish_large_file':
        return this.#finish(fields)
      case 'b2_copy_file':
      case 'b2_copy_part':
        return this.#copy(call, fields)
      case 'b2_delete_file_version':
      case 'b2_cancel_large_file':
        return this.#drop(fields['fileId'])
      default:
        throw new Fault(400, 'bad_request')
    }
  }

  #uploadUrl(call: string, place: unknown): Json {
    return {
      uploadUrl: `${this.origin}/b2api/v2/${call}/${place}`,
      authorizationToken: `upload-${place}-${this.generation}`,
    }
  }
}

const readBody = async (message: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const answerOf = (account: Account, message: IncomingMessage, body: Buffer): Answer => {
  try {
    return account.answer(message.method ?? '', message.url ?? '', message.headers, body)
  } catch (error) {
    const { status, code } = error instanceof Fault ? error : new Fault(500, String(error))
    return [status, { status, code, message: 'refused' }]
  }
}

/** Starts an account of B2, whose application key is that of the tests' upstream. */
export const startB2Account = async (t: Test): Promise<B2Account> => {
  const account = new Account()
  const server = createServer(async (message, response) => {
    const body = await readBody(message).catch(() => undefined)
    if (body === undefined) return
    const [status, content, headers = {}] = answerOf(account, message, body)
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content))
    response.writeHead(status, { ...headers, 'content-length': bytes.length })
    response.end(message.method === 'HEAD' ? undefined : bytes)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  account.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { origin, reached, manners, files } = account
  return {
    origin,
    reached,
    manners,
    files,
    expire: () => {
      account.generation += 1
    },
    calls: () => reached.map(({ call }) => call),
  }
}
