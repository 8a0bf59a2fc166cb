import { readFileSync } from 'node:fs'
import { sendMessage } from './body.ts'
import { type Connection, openConnection } from './connection.ts'
import type { Latency, Load, Outcome } from './load.ts'
import { payloadPieces } from './payload.ts'
import { type SignedHead, signedHeads } from './signed-requests.ts'

/* The client of the bench, as a process of its own: `node client.js '<Load as JSON>'`; prints its Outcome as JSON. */

const run = async (load: Load): Promise<Outcome> => {
  const heads = await signedHeads(load)
  const ca = load.scheme === 'https' ? readFileSync(load.ca) : undefined
  const connections = await Promise.all(
    Array.from({ length: load.connections }, () => openConnection(load, ca)),
  )
  const startedAt = performance.now()
  const times = await sendAll(load, heads, connections)
  const wallSeconds = (performance.now() - startedAt) / 1000
  for (const connection of connections) connection.socket.destroy()
  return { wallSeconds, latency: latencyOf(times) }
}

const latencyOf = (times: readonly number[]): Latency => {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0
  return { p50: at(0.5), p99: at(0.99) }
}

/** Every connection takes the next request as soon as it is free. Gives the milliseconds that each took. */
const sendAll = async (
  load: Load,
  heads: readonly SignedHead[],
  connections: readonly Connection[],
): Promise<readonly number[]> => {
  const times: number[] = []
  let begun = 0
  const keepBusy = async (connection: Connection): Promise<void> => {
    while (begun < load.requests) {
      const head = heads[begun++ % heads.length]
      if (head === undefined) return
      const startedAt = performance.now()
      await exchange(load, head, connection)
      times.push(performance.now() - startedAt)
    }
  }
  await Promise.all(connections.map(keepBusy))
  return times
}

const exchange = async (
  load: Load,
  { head, seed }: SignedHead,
  { socket, answer }: Connection,
): Promise<void> => {
  const pieces = load.method === 'PUT' ? payloadPieces(load.payload, load.size, seed) : []
  await Promise.all([sendMessage(socket, head, pieces, load.pace), answer()])
}

const load = JSON.parse(process.argv[2] ?? '') as Load
console.log(JSON.stringify(await run(load)))
