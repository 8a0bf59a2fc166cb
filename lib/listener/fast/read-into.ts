import { type OnReadOpts, Socket } from 'node:net'

/**
 * Has an accepted socket read into buffers of ours, as the documented option `onread` has one that connects.
 *
 * A server cannot be given that option (https://github.com/nodejs/node/issues/25436 brought it to `connect` alone), so
 * this sets what it sets: three properties under symbols, and the handle's own. None of it is documented, so all of
 * it is looked for first; where anything is missing, the socket goes on to tell its bytes by `data` events.
 */
export type ReadInto = (socket: Socket, onread: OnReadOpts) => boolean

const symbolsOf = (names: readonly string[]): readonly symbol[] => {
  const own = Object.getOwnPropertySymbols(new Socket())
  return names.flatMap(name => own.find(each => each.description === name) ?? [])
}

interface Handle {
  useUserBuffer(buffer: Uint8Array): void
}

const isHandle = (value: unknown): value is Handle =>
  typeof value === 'object' &&
  value !== null &&
  'useUserBuffer' in value &&
  typeof value.useUserBuffer === 'function'

/** Finds out what this Node has; the answer is the same for all sockets but for those without a handle. */
export const createReadInto = (): ReadInto => {
  const [buffer, generator, callback] = symbolsOf(['kBuffer', 'kBufferGen', 'kBufferCb'])
  if (buffer === undefined || generator === undefined || callback === undefined) return never
  return (socket, onread) => {
    const handle: unknown = Reflect.get(socket, '_handle')
    // What was read already would be told later than what comes into the buffer.
    if (!isHandle(handle) || socket.readableLength > 0) return false
    const first = typeof onread.buffer === 'function' ? onread.buffer() : onread.buffer
    Reflect.set(socket, buffer, first)
    Reflect.set(socket, generator, typeof onread.buffer === 'function' ? onread.buffer : null)
    Reflect.set(socket, callback, onread.callback)
    handle.useUserBuffer(first)
    return true
  }
}

/** For a Node that has none of it: every socket tells its bytes by `data` events. */
export const never: ReadInto = () => false
