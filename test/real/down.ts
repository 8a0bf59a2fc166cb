import { rm } from 'node:fs/promises'
import { stopMinio } from './servers/minio.ts'
import { stopRgw } from './servers/rgw.ts'
import { STAGE } from './stage.ts'

await stopRgw()
await stopMinio()
await rm(STAGE, { recursive: true, force: true })
