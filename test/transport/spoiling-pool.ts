import { SlabPool } from '../../lib/http1/slab-pool.ts'

/** Spoils what is given back: a slab that somebody still needed shows at once. */
export class SpoilingPool extends SlabPool {
  override give(slab: Buffer): void {
    slab.fill('spoilt')
    super.give(slab)
  }
}
