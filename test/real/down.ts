import { rm } from 'node:fs/promises'
import { stopMinio } from './servers/minio.ts'
import { stopRgw } from './servers/rgw.ts'
import { STAGE, STAGE_IN_RAM } from './stage.ts'

await stopRgw()
await stopMinio()
for (const folder of [STAGE, STAGE_IN_RAM]) await rm(folder, { recursive: true, force: true })
