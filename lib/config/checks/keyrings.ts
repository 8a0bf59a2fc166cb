import type { Parts, Remark } from '../parts.ts'
import { endpointFaults } from './upstreams.ts'

/** Addresses of vaults that are none, or would give keys away. */
export function* checkKeyrings({ keyrings }: Parts): Generator<Remark> {
  for (const { path, whole } of keyrings) {
    if (whole?.provider !== 'vault') continue
    for (const message of endpointFaults(whole.address, whole.insecure)) {
      yield { path: [...path, 'address'], message }
    }
  }
}
