import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import type { Test } from 'tap'
import { getServable } from '../../lib/commands/serve.ts'
import type { Ready } from '../../lib/serving.ts'
import { type Serving, startServing } from '../../lib/serving.ts'

/** A port that was free a moment ago, for what cannot take any. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

export interface Started {
  /** Its `close` may be called twice. */
  readonly serving: Serving
  readonly proxy: string
  readonly admin: string
  /** What stands in the log. */
  readonly lines: readonly Readonly<Record<string, unknown>>[]
  /** Reads the configuration's file anew. */
  ready(): Promise<Ready>
}

/** All that `serve` starts, out of `config.yaml` in `folder`; stopped at the test's end. */
export const startFrom = async (t: Test, folder: string): Promise<Started> => {
  const lines: Record<string, unknown>[] = []
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(JSON.parse(chunk.toString()))
      done()
    },
  })
  const ready = (): Promise<Ready> => getServable(join(folder, 'config.yaml'), {})
  const serving = await startServing(await ready(), pino({ base: null }, sink))
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= serving.close()
    return closing
  }
  t.teardown(close)
  const admin = String(lines.find(line => line['admin'] !== undefined)?.['admin'])
  const proxy = serving.listeners[0]?.where ?? ''
  return { serving: { ...serving, close }, proxy, admin, lines, ready }
}
