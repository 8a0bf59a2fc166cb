import type { Part, Parts, Remark } from '../parts.ts'
import { isAws, regionOf } from '../schema/aws.ts'
import type { KeyringShape } from '../schema/keyring.ts'
import { endpointFaults } from './upstreams.ts'

type VaultShape = Extract<KeyringShape, { provider: 'vault' | 'vaultTransit' }>
type KeyringPart = Part<KeyringShape>

const isVault = (whole: KeyringShape): whole is VaultShape =>
  whole.provider === 'vault' || whole.provider === 'vaultTransit'

const addressOf = (whole: KeyringShape) => {
  if (isVault(whole)) return ['address', whole.address, whole.insecure] as const
  if (!isAws(whole) || whole.endpoint === undefined) return undefined
  return ['endpoint', whole.endpoint, whole.insecure] as const
}

/** Addresses of vaults that are none, or would give keys away. */
function* checkAddress({ path }: KeyringPart, whole: KeyringShape): Generator<Remark> {
  const found = addressOf(whole)
  if (found === undefined) return
  const [option, address, insecure] = found
  for (const message of endpointFaults(address, insecure)) {
    yield { path: [...path, option], message }
  }
}

function* checkRegion({ path }: KeyringPart, whole: KeyringShape): Generator<Remark> {
  if (!isAws(whole) || regionOf(whole) !== undefined) return
  const message = 'is missing, and no ARN says it. Name the region of the service.'
  yield { path: [...path, 'region'], message, at: path }
}

/** Key providers that could not be reached, or would give keys away. */
export function* checkKeyrings({ keyrings, vault }: Parts): Generator<Remark> {
  for (const { path, options } of vault) {
    if (options.address === undefined) continue
    for (const message of endpointFaults(options.address, options.insecure ?? false)) {
      yield { path: [...path, 'address'], message }
    }
  }
  for (const part of keyrings) {
    if (part.whole === undefined) continue
    yield* checkAddress(part, part.whole)
    yield* checkRegion(part, part.whole)
  }
}
