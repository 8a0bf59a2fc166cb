/** The head of an HTTP/1.1 request or answer. */
export interface Head {
  readonly startLine: string
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  /** Bytes of the body. */
  readonly length: number
}

export interface MessageEvents {
  head(head: Head): void
  /** `chunk` is only good until this returns: its memory is read into again. */
  body(chunk: Buffer): void
  end(head: Head): void
}

const NOTHING = Buffer.alloc(0)

/**
 * Cuts a byte stream into HTTP/1.1 messages. It knows Content-Length and no other framing: both
 * ends of the bench are ours, and what a proxy makes of them must keep the length.
 *
 * @throws {Error} from the returned function for another framing
 */
export const createMessageReader = (events: MessageEvents): ((bytes: Buffer) => void) => {
  let unfinished: Buffer = NOTHING
  let head: Head | undefined
  let left = 0

  const takeHead = (bytes: Buffer): Buffer => {
    const seen = unfinished.length === 0 ? bytes : Buffer.concat([unfinished, bytes])
    const end = seen.indexOf('\r\n\r\n')
    unfinished = end < 0 ? Buffer.from(seen) : NOTHING
    if (end < 0) return NOTHING
    head = parseHead(seen.toString('latin1', 0, end))
    left = head.length
    events.head(head)
    return seen.subarray(end + 4)
  }

  const takeBody = (bytes: Buffer): Buffer => {
    const chunk = bytes.subarray(0, left)
    left -= chunk.length
    if (chunk.length > 0) events.body(chunk)
    return bytes.subarray(chunk.length)
  }

  const endMessage = (): void => {
    if (head === undefined || left > 0) return
    const ended = head
    head = undefined
    events.end(ended)
  }

  return bytes => {
    for (let rest = bytes; rest.length > 0; endMessage()) {
      rest = head === undefined ? takeHead(rest) : takeBody(rest)
    }
  }
}

const parseHead = (text: string): Head => {
  const [startLine = '', ...fields] = text.split('\r\n')
  const headers = new Map(fields.map(parseField))
  if (headers.has('transfer-encoding')) throw new Error(`no Content-Length: ${startLine}`)
  return { startLine, headers, length: Number(headers.get('content-length') ?? 0) }
}

const parseField = (line: string): readonly [name: string, value: string] => {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}
