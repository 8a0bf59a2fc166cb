import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execFileAsync = promisify(execFile)

/** Both TLS sides agree on AES-128-GCM, whatever the proxy between prefers. */
export const CIPHERS = 'TLS_AES_128_GCM_SHA256'

/** Paths of PEM files. The certificate is its own CA. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Makes a self-signed P-256 certificate for `localhost` and 127.0.0.1 in `folder`. */
export const createCertificate = async (folder: string): Promise<Certificate> => {
  const cert = join(folder, 'cert.pem')
  const key = join(folder, 'key.pem')
  await execFileAsync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ...['-days', '2', '-out', cert, '-keyout', key],
  ])
  return { cert, key }
}
