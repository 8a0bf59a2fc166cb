import { createRequire } from 'node:module'
import { createBodyDecoder } from '../../lib/http1/body-decoder.ts'
import { MessageFault } from '../../lib/http1/fault.ts'
import { HeadReader } from '../../lib/http1/head-reader.ts'
import { parseRequestHead } from '../../lib/listener/fast/request-head.ts'

/** One request as a parser understood it. */
export interface Understood {
  readonly method: string
  readonly target: string
  readonly headers: readonly string[]
  body: string
  isComplete: boolean
}

/** What a parser made of a connection's bytes. */
export interface Reading {
  readonly requests: readonly Understood[]
  /** Why the rest was refused; undefined when all is well, or not all of it has come. */
  readonly fault: string | undefined
}

interface HttpParser {
  [key: number]: (...given: readonly unknown[]) => unknown
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void
  execute(bytes: Buffer): unknown
}

interface HttpCommon {
  readonly methods: readonly string[]
  readonly allMethods?: readonly string[]
  readonly HTTPParser: (new () => HttpParser) & Readonly<Record<string, number>>
}

// Undocumented, and good enough for a test: the parser inside node:http, at the speed that ten million heads take.
const { HTTPParser, methods, allMethods }: HttpCommon = createRequire(import.meta.url)(
  '_http_common',
)

export const HEADER_BYTES = 32 * 1024

// One for all, as node:http itself uses its parsers again.
const parser = new HTTPParser()

const textOf = (bytes: unknown): string => (Buffer.isBuffer(bytes) ? bytes.toString('latin1') : '')

/** What node:http's parser, llhttp, makes of it. */
export const readByNode = (bytes: Buffer): Reading => {
  const requests: Understood[] = []
  parser.initialize(HTTPParser['REQUEST'] ?? 0, {}, HEADER_BYTES, 0)
  let flushed: string[] = []
  let target = ''
  const on = (event: string, listener: (...given: readonly unknown[]) => unknown): void => {
    parser[HTTPParser[event] ?? 0] = listener
  }
  on('kOnHeaders', (headers, url) => {
    flushed.push(...(headers as string[]))
    target += String(url ?? '')
  })
  on('kOnHeadersComplete', (_major, _minor, headers, method, url) => {
    const all = [...flushed, ...((headers as string[] | undefined) ?? [])]
    const name = (allMethods ?? methods)[Number(method)] ?? ''
    requests.push({
      method: name,
      target: target + String(url ?? ''),
      headers: all,
      body: '',
      isComplete: false,
    })
    flushed = []
    target = ''
    return 0
  })
  on('kOnBody', chunk => {
    const last = requests.at(-1)
    if (last) last.body += textOf(chunk)
  })
  on('kOnMessageComplete', () => {
    const last = requests.at(-1)
    if (last) last.isComplete = true
    // Trailers come by the same way, with the target once more.
    flushed = []
    target = ''
  })
  const read = parser.execute(bytes)
  return { requests, fault: read instanceof Error ? String(Reflect.get(read, 'code')) : undefined }
}

/** Reads pieces as a connection of the fast front does, one request after the other. */
class OwnReader {
  readonly requests: Understood[] = []
  #heads = new HeadReader(HEADER_BYTES)
  #isLast = false
  #isOver = false
  #decoder: ReturnType<typeof createBodyDecoder> | undefined

  read(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.#isOver; )
      at = this.#decoder ? this.#body(bytes, at) : this.#head(bytes, at)
  }

  #head(bytes: Buffer, from: number): number {
    const found = this.#heads.read(bytes, from)
    if (found === undefined) return bytes.length
    this.#heads = new HeadReader(HEADER_BYTES)
    const { method, target, rawHeaders, framing, isKept } = parseRequestHead(found.text)
    this.#isLast = !isKept
    this.requests.push({ method, target, headers: rawHeaders, body: '', isComplete: false })
    this.#decoder = createBodyDecoder(framing)
    return this.#body(bytes, found.next)
  }

  #body(bytes: Buffer, from: number): number {
    const last = this.requests.at(-1)
    if (this.#decoder === undefined || last === undefined) return bytes.length
    const at = this.#decoder.decode(bytes, from, body => {
      last.body += body.toString('latin1')
    })
    if (!this.#decoder.hasEnded) return bytes.length
    last.isComplete = true
    // The connection is closed then, whatever comes.
    this.#isOver = this.#isLast
    this.#decoder = undefined
    return at
  }
}

/** What our own parser makes of it. */
export const readByUs = (pieces: readonly Buffer[]): Reading => {
  const reader = new OwnReader()
  try {
    for (const piece of pieces) reader.read(piece)
    return { requests: reader.requests, fault: undefined }
  } catch (fault) {
    if (!(fault instanceof MessageFault)) throw fault
    return { requests: reader.requests, fault: fault.message }
  }
}
