import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../command.ts'
import type { Certificates } from '../stage.ts'

const P256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

const NAMES = 'subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1'

/** Makes a CA and a certificate of it for this machine in `folder`; both are good for two days. */
export const createCertificates = async (folder: string): Promise<Certificates> => {
  const at = (name: string): string => join(folder, name)
  const [ca, caKey, cert, key] = [at('ca.pem'), at('ca-key.pem'), at('cert.pem'), at('key.pem')]
  const openssl = (...args: readonly string[]): Promise<string> => run('openssl', args)
  await openssl(
    'req',
    '-x509',
    ...P256,
    '-subj',
    '/CN=ssec-proxy test CA',
    '-days',
    '2',
    ...['-addext', 'keyUsage=critical,keyCertSign', '-keyout', caKey, '-out', ca],
  )
  await openssl('req', ...P256, '-subj', '/CN=localhost', '-keyout', key, '-out', at('cert.csr'))
  await writeFile(at('names'), NAMES)
  await openssl(
    'x509',
    '-req',
    '-in',
    at('cert.csr'),
    '-CA',
    ca,
    '-CAkey',
    caKey,
    '-days',
    '2',
    ...['-CAcreateserial', '-extfile', at('names'), '-out', cert],
  )
  await appendFile(cert, await run('cat', [ca]))
  return { ca, cert, key }
}
