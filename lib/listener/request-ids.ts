import { randomFillSync } from 'node:crypto'

/** Bytes of one id. */
const ID = 8

/** Bytes of randomness that are drawn at once: one draw costs as much whether it gives 8 bytes or a thousand. */
const DRAWN = 1024

/** Makes ids for requests: 16 upper-case hex digits, as S3's own are; random, so that no two proxies give the same. */
export const createRequestIds = (): (() => string) => {
  const random = Buffer.alloc(DRAWN)
  let used = DRAWN
  return () => {
    if (used === DRAWN) {
      randomFillSync(random)
      used = 0
    }
    used += ID
    return random.toString('hex', used - ID, used).toUpperCase()
  }
}
