import type { OnReadOpts, Socket } from 'node:net'

/** Whoever a connection's bytes and events are for. */
export interface Reader {
  /** Where the next bytes shall be read to; undefined leaves it to the connection. */
  buffer(): Buffer | undefined
  /**
   * Takes bytes that were read; they are valid during the call only, unless they lie in what `buffer` gave.
   *
   * @returns whether to read on
   */
  read(bytes: Buffer): boolean
  /** Nothing has moved for the time that was set. */
  timeout(): void
  /** The connection is closed, and touches no buffer any more. */
  close(cause: Error | undefined): void
}

/** Where an idle connection reads to, and where heads and small bodies arrive. */
const SCRATCH = 16 * 1024

/** The pool that a connection belongs to. */
export interface ConnectionOwner {
  free(connection: Connection): void
  closed(connection: Connection): void
}

/** Opens a socket that reads through `onread`, the documented option of `net.connect` and `tls.connect`. */
export type OpenSocket = (onread: OnReadOpts) => Socket

/** A connection to an upstream: lent to one exchange at a time, idle in between. */
export class Connection {
  owner: ConnectionOwner | undefined
  readonly socket: Socket
  readonly isTls: boolean
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH)
  /** Where the socket reads to. It asks once at first, and then after each read. */
  #bound: Buffer = this.#scratch
  #uses = 0
  #fault: Error | undefined
  #isClosed = false

  // Nothing is due on an idle connection: what comes would be taken for the answer to the next request.
  readonly #idle: Reader = {
    buffer: () => undefined,
    read: () => {
      this.socket.destroy()
      return false
    },
    timeout: () => this.socket.destroy(),
    close: () => undefined,
  }
  #reader: Reader = this.#idle

  constructor(open: OpenSocket, isTls: boolean) {
    this.isTls = isTls
    this.socket = open({
      buffer: () => {
        this.#bound = this.#reader.buffer() ?? this.#scratch
        return this.#bound
      },
      callback: length => this.#reader.read(this.#bound.subarray(0, length)),
    })
    this.socket.on('error', fault => {
      this.#fault = fault
    })
    // The upstream sends no more. What that means is told by `close`, when no buffer is touched any more.
    this.socket.on('end', () => this.socket.destroy())
    this.socket.on('timeout', () => this.#reader.timeout())
    this.socket.on('close', () => this.#close())
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Whether it served a request before, so that the upstream may have closed it meanwhile. */
  get isUsed(): boolean {
    return this.#uses > 1
  }

  lend(reader: Reader): void {
    this.#uses += 1
    this.#reader = reader
  }

  /** Takes the connection back after an exchange that ended cleanly, and keeps it for a while. */
  rest(milliseconds: number): void {
    this.#reader = this.#idle
    this.socket.setTimeout(milliseconds)
    this.owner?.free(this)
  }

  destroy(): void {
    this.#reader = this.#idle
    this.socket.destroy()
  }

  #close(): void {
    this.#isClosed = true
    this.#reader.close(this.#fault)
    this.owner?.closed(this)
  }
}
