import type { Socket } from 'node:net'
import type { SlabPool } from '../../http1/slab-pool.ts'
import type { SignedRequest } from '../../sign/sign.ts'
import { BodyPump, type Pump, type PumpEvents, type StreamBody } from './body-pump.ts'
import { DirectPump, isDirect } from './direct-pump.ts'

const createPump = (socket: Socket, body: StreamBody, slabs: SlabPool, events: PumpEvents): Pump =>
  isDirect(body) ? new DirectPump(socket, body, slabs, events) : new BodyPump(socket, body, events)

/** One request on its way to a connection. */
export class Sending {
  readonly #socket: Socket
  readonly #request: SignedRequest
  readonly #pump: Pump | undefined
  readonly #onSent: () => void
  #isSent = false

  constructor(socket: Socket, request: SignedRequest, slabs: SlabPool, events: PumpEvents) {
    this.#socket = socket
    this.#request = request
    this.#onSent = events.sent
    if (request.body.kind === 'stream')
      this.#pump = createPump(socket, request.body, slabs, {
        sent: this.#finish,
        refused: events.refused,
      })
  }

  /** Whether the upstream has been handed all of it. */
  get isSent(): boolean {
    return this.#isSent
  }

  /** Whether a byte of the body was taken that cannot be had again. */
  get hasTakenBody(): boolean {
    return this.#pump?.hasTaken ?? false
  }

  /** Writes the head, and as much of the body as there is: one packet, one system call. */
  start(head: string): void {
    const { body } = this.#request
    this.#socket.cork()
    this.#socket.write(head, 'latin1')
    if (body.kind === 'bytes') this.#socket.write(body.bytes)
    if (this.#pump === undefined) this.#finish()
    else this.#pump.start()
    this.#socket.uncork()
  }

  /** Sends no more, and leaves the client's stream as it is. */
  stop(): void {
    this.#pump?.stop()
  }

  readonly #finish = (): void => {
    if (this.#isSent) return
    this.#isSent = true
    this.#onSent()
  }
}
