import { PAYLOADS } from './ends/payload.ts'
import type { Entrant, Stage } from './stage/stage.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20

/** Around the sizes of the buffers on the way. */
const SIZES = [1, 4 * KiB, 64 * KiB - 1, 64 * KiB + 1, MiB + 7, 100 * MiB + 7]

/**
 * Sends bodies both ways and compares their SHA-256 at both ends: what is measured afterwards is
 * the right work. From a contender that encrypts, every answer must confirm SSE-C.
 *
 * @throws {Error} when a body changed or an answer is not as it should be
 */
export const checkBodies = async (stage: Stage, entrant: Entrant): Promise<void> => {
  const twice = { manner: 'hashed', requests: 4, connections: 2 } as const
  for (const size of SIZES) {
    await stage.load(entrant, { ...twice, method: 'GET', size })
    for (const payload of PAYLOADS) {
      await stage.load(entrant, { ...twice, method: 'PUT', size, payload })
    }
  }
}
