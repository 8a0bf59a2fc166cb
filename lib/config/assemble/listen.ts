import { resolve } from 'node:path'
import type { Path } from '../../yaml/fault.ts'
import type { ListenAddress, ListenTls } from '../config.ts'
import type { Part } from '../parts.ts'
import { DEFAULT_HOST, type ListenShape, type TlsShape } from '../schema.ts'
import { belongTogether, readCertificates, readPrivateKey, type Sources } from '../sources.ts'

const readTls = async (
  sources: Sources,
  path: Path,
  tls: TlsShape,
): Promise<ListenTls | undefined> => {
  const cert = await readCertificates(sources, [...path, 'cert'], tls.cert)
  const key = await readPrivateKey(sources, [...path, 'key'], tls.key)
  const clientCa =
    tls.clientCa === undefined
      ? undefined
      : await readCertificates(sources, [...path, 'clientCa'], tls.clientCa)
  if (cert === undefined || key === undefined) return undefined
  if (!belongTogether(cert, key)) {
    const message =
      'is not the key of the certificate. Name the one that the certificate was made for.'
    sources.report({ path: [...path, 'key'], message })
  }
  return { cert, key, clientCa }
}

/** Makes a listen address, with its PEM files read. */
export const assembleListen = async (
  sources: Sources,
  { path, options }: Part<ListenShape>,
): Promise<ListenAddress | undefined> => {
  const { host = DEFAULT_HOST, port, socket, api, url, s3Url } = options
  const tls = options.tls && (await readTls(sources, [...path, 'tls'], options.tls))
  const b2 = api === 'b2' ? { b2: { url, s3Url } } : {}
  if (socket !== undefined) return { kind: 'unix', path: resolve(sources.folder, socket), ...b2 }
  if (port === undefined || (options.tls && !tls)) return undefined
  return { kind: 'tcp', host, port, tls, ...b2 }
}
