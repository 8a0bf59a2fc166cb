import { mkdir, rm, writeFile } from 'node:fs/promises'
import { installClient } from './clients/programs.ts'
import { causeOf } from './command.ts'
import { createCertificates } from './servers/certificates.ts'
import { ensurePackages } from './servers/debian.ts'
import { startMinio, stopMinio } from './servers/minio.ts'
import { startRgw, stopRgw } from './servers/rgw.ts'
import {
  type Available,
  type Certificates,
  CLIENT_NAMES,
  type ClientName,
  type ClientProgram,
  type Server,
  type ServerName,
  STAGE,
  STAGE_FILE,
  type Stage,
} from './stage.ts'

const attempt = <T>(promise: Promise<T>): Promise<Available<T>> =>
  promise.then(
    is => ({ is }),
    error => ({ lacks: causeOf(error) }),
  )

const startServers = async (
  certificates: Certificates,
): Promise<Record<ServerName, Available<Server>>> => {
  const rgw = await attempt(startRgw(certificates))
  const minio = await attempt(startMinio(certificates))
  if ('lacks' in rgw) return { 'rgw-http': rgw, 'rgw-tls': rgw, minio }
  return { 'rgw-http': { is: rgw.is.http }, 'rgw-tls': { is: rgw.is.tls }, minio }
}

const installClients = async (): Promise<Record<ClientName, Available<ClientProgram>>> => {
  const programs = new Map<ClientName, Available<ClientProgram>>()
  // One after the other: two of them may want apt.
  for (const name of CLIENT_NAMES) programs.set(name, await installClient(name))
  return Object.fromEntries(programs) as Record<ClientName, Available<ClientProgram>>
}

const prepare = async (): Promise<Stage> => {
  await stopRgw()
  await stopMinio()
  await rm(STAGE, { recursive: true, force: true })
  await mkdir(STAGE, { recursive: true })
  await ensurePackages(['openssl'])
  const certificates = await createCertificates(STAGE)
  const clients = await installClients()
  return { certificates, servers: await startServers(certificates), clients }
}

const describe = (kind: string, things: Readonly<Record<string, Available<{ label: string }>>>) =>
  Object.entries(things).map(([name, thing]) =>
    'is' in thing ? `${kind} ${name}: ${thing.is.label}` : `${kind} ${name}: none, ${thing.lacks}`,
  )

const stage = await prepare()
await writeFile(STAGE_FILE, JSON.stringify(stage, null, 2))
const lines = [...describe('server', stage.servers), ...describe('client', stage.clients)]
process.stdout.write(`${lines.join('\n')}\n`)
