import { readFileSync } from 'node:fs'
import { type ClientRequest, type RequestOptions, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { buffer } from 'node:stream/consumers'
import type { Endpoint } from '../stage.ts'

export type HeaderRecord = Readonly<Record<string, string>>

/** A request as it goes on the wire. */
export interface WireRequest {
  readonly method: string
  /** Path and query, as they are: a URL class would take `..` and `//` away. */
  readonly target: string
  readonly headers: HeaderRecord
  readonly body?: Uint8Array | undefined
}

export interface Answer {
  readonly status: number
  /** By lower-case name. */
  readonly headers: HeaderRecord
  readonly body: Buffer
}

/** Node takes and gives header values byte by byte; S3's are UTF-8. */
const toWire = (value: string): string => Buffer.from(value, 'utf8').toString('latin1')

const fromWire = (value: string): string => Buffer.from(value, 'latin1').toString('utf8')

const mapValues = (headers: HeaderRecord, map: (value: string) => string): HeaderRecord =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, map(value)]))

const open = ({ origin, ca }: Endpoint, wire: WireRequest): ClientRequest => {
  const { protocol, hostname, port } = new URL(origin)
  const options: RequestOptions = {
    hostname,
    port,
    method: wire.method,
    path: wire.target,
    headers: mapValues(wire.headers, toWire),
    // A connection of its own: no request meets what another left behind.
    agent: false,
  }
  return protocol === 'https:'
    ? requestHttps({ ...options, ca: readFileSync(ca) })
    : requestHttp(options)
}

/** Sends a request with its body, and reads the whole answer. */
export const send = (endpoint: Endpoint, wire: WireRequest): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = open(endpoint, wire)
    request.on('error', reject)
    request.on('response', response => {
      buffer(response).then(body => {
        const headers = mapValues(response.headers as HeaderRecord, value =>
          fromWire(String(value)),
        )
        resolve({ status: response.statusCode ?? 0, headers, body })
      }, reject)
    })
    request.end(wire.body)
  })

/** Text of the first element `name` in an XML answer. */
export const xmlText = ({ body }: Answer, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(body.toString('utf8'))?.[1]

/** Texts of all elements `name` in an XML answer. */
export const xmlTexts = ({ body }: Answer, name: string): readonly string[] =>
  [...body.toString('utf8').matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(
    ([, text = '']) => unescapeXml(text),
  )

const ENTITIES: HeaderRecord = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

const unescapeXml = (text: string): string =>
  text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (entity, hex, decimal, name: string) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16))
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal))
    return ENTITIES[name] ?? entity
  })
