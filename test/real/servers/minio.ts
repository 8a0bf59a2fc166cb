import { spawn } from 'node:child_process'
import { existsSync, openSync } from 'node:fs'
import { copyFile, mkdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../command.ts'
import { CACHE, type Certificates, PROVIDER_USER, type Server, STAGE } from '../stage.ts'
import { findGo } from './go.ts'
import { findFreePort, untilListening } from './ports.ts'

const PROGRAM = join(CACHE, 'bin', 'minio')
const FOLDER = join(STAGE, 'minio')
const PID_FILE = join(STAGE, 'minio.pid')

/** Builds MinIO from source, once: there are no packages of it. */
const ensureProgram = async (): Promise<void> => {
  if (existsSync(PROGRAM)) return
  const bin = join(CACHE, 'bin')
  await mkdir(bin, { recursive: true })
  await run(await findGo(), ['install', 'github.com/minio/minio@latest'], {
    env: { GOBIN: bin, CGO_ENABLED: '0', GOFLAGS: '-trimpath' },
    timeout: 1_200_000,
  })
}

// MinIO takes its certificate by these names alone.
const layCertificates = async ({ cert, key, ca }: Certificates): Promise<string> => {
  const folder = join(FOLDER, 'certs')
  await mkdir(join(folder, 'CAs'), { recursive: true })
  await copyFile(cert, join(folder, 'public.crt'))
  await copyFile(key, join(folder, 'private.key'))
  await copyFile(ca, join(folder, 'CAs', 'ca.crt'))
  return folder
}

/** Starts MinIO with TLS, without which it takes no customer keys. */
export const startMinio = async (certificates: Certificates): Promise<Server> => {
  await ensureProgram()
  const certs = await layCertificates(certificates)
  const port = await findFreePort()
  const log = openSync(join(STAGE, 'minio.log'), 'a')
  const args = ['server', '--quiet', '--certs-dir', certs, '--address', `127.0.0.1:${port}`]
  const child = spawn(PROGRAM, [...args, join(FOLDER, 'data')], {
    detached: true,
    stdio: ['ignore', log, log],
    env: {
      ...process.env,
      MINIO_ROOT_USER: PROVIDER_USER.accessKeyId,
      MINIO_ROOT_PASSWORD: PROVIDER_USER.secretAccessKey,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
    },
  })
  child.unref()
  await writeFile(PID_FILE, String(child.pid))
  await untilListening(port, () =>
    child.exitCode === null
      ? undefined
      : `minio ended with ${child.exitCode}: see ${STAGE}/minio.log`,
  )
  return {
    label: `MinIO of ${await sourceDate()}, TLS`,
    endpoint: { origin: `https://127.0.0.1:${port}`, ca: certificates.ca },
  }
}

/** When its source was, as Go wrote it into the program: it calls itself DEVELOPMENT. */
const sourceDate = async (): Promise<string> => {
  const found = await run('grep', ['-aom1', 'github.com/minio/minio@v0[0-9.a-z-]*', PROGRAM])
  const [, year, month, day] = /-(\d{4})(\d\d)(\d\d)\d{6}-/.exec(found) ?? []
  return `${year}-${month}-${day}`
}

/** Stops what an earlier `startMinio` started, be it of another process. */
export const stopMinio = async (): Promise<void> => {
  const pid = Number(await readFile(PID_FILE, 'utf8').catch(() => ''))
  // A pid may be somebody else's by now.
  const program = pid > 0 ? await readlink(`/proc/${pid}/exe`).catch(() => '') : ''
  if (program === PROGRAM) process.kill(pid, 'SIGKILL')
  await rm(FOLDER, { recursive: true, force: true })
}
