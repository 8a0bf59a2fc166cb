import type { Parts, Remark } from '../parts.ts'
import { isLoopback } from './loopback.ts'

const FORM = 'Write scheme, host and port, such as https://s3.eu-central-1.amazonaws.com.'

const urlOf = (endpoint: string): URL | undefined =>
  URL.canParse(endpoint) ? new URL(endpoint) : undefined

/** The bare scheme, host and port of an endpoint. */
export const originOf = (endpoint: string): string => urlOf(endpoint)?.origin ?? endpoint

const isHttp = ({ protocol }: URL): boolean => protocol === 'http:' || protocol === 'https:'

const leavesInClear = ({ protocol, hostname }: URL): boolean =>
  protocol === 'http:' && !isLoopback(hostname.replace(/^\[|\]$/g, ''))

/** What is wrong with an endpoint that customer keys go to, or come from. */
export const endpointFaults = (endpoint: string, insecure: boolean): string[] => {
  const url = urlOf(endpoint)
  if (url === undefined || !isHttp(url)) return [`is not a URL with https or http. ${FORM}`]
  const faults: readonly (readonly [isFault: boolean, message: string])[] = [
    [url.username !== '' || url.password !== '', `has a user in it. ${FORM}`],
    [url.pathname !== '/' || /[?#]/.test(endpoint), `has a path or a query. ${FORM}`],
    [
      leavesInClear(url) && !insecure,
      'is plain http to another machine, and SSE-C keys travel in headers: everyone on the way could read them. Use https, or say insecure: true.',
    ],
  ]
  return faults.filter(([isFault]) => isFault).map(([, message]) => message)
}

/** Endpoints that are none, or would give keys away. */
export function* checkUpstreams({ upstreams }: Parts): Generator<Remark> {
  for (const { path, options } of upstreams) {
    if (options.endpoint === undefined) continue
    for (const message of endpointFaults(options.endpoint, options.insecure ?? false)) {
      yield { path: [...path, 'endpoint'], message }
    }
  }
}
