import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../command.ts'
import { type Certificates, PROVIDER_USER, type Server, STAGE_IN_RAM } from '../stage.ts'
import { ensurePackages, packageVersion } from './debian.ts'
import { findFreePort } from './ports.ts'

const SCRIPT = fileURLToPath(new URL('rgw.sh', import.meta.url))

const PACKAGES = ['ceph-mon', 'ceph-osd', 'radosgw', 'ceph-common', 'curl']

const RGW_DIR = join(STAGE_IN_RAM, 'rgw')

/** Starts a one-node Ceph; its gateway speaks http and https. */
export const startRgw = async (
  certificates: Certificates,
): Promise<{ readonly http: Server; readonly tls: Server }> => {
  await ensurePackages(PACKAGES)
  const [http, tls, monitor] = await Promise.all([findFreePort(), findFreePort(), findFreePort()])
  await run(SCRIPT, ['up'], {
    env: {
      RGW_DIR,
      RGW_PORT: String(http),
      RGW_TLS_PORT: String(tls),
      RGW_MON_PORT: String(monitor),
      RGW_CERT: certificates.cert,
      RGW_KEY: certificates.key,
      RGW_ACCESS_KEY: PROVIDER_USER.accessKeyId,
      RGW_SECRET_KEY: PROVIDER_USER.secretAccessKey,
    },
  })
  const label = `Ceph RGW ${await packageVersion('radosgw')}`
  const { ca } = certificates
  return {
    http: { label: `${label}, http`, endpoint: { origin: `http://127.0.0.1:${http}`, ca } },
    tls: { label: `${label}, TLS`, endpoint: { origin: `https://127.0.0.1:${tls}`, ca } },
  }
}

/** Stops what an earlier `startRgw` started, be it of another process. */
export const stopRgw = async (): Promise<void> => {
  await run(SCRIPT, ['down'], { env: { RGW_DIR } })
}
