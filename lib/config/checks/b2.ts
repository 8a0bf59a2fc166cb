import { B2_NATIVE } from '../../dialect/profiles.ts'
import type { Parts, Remark } from '../parts.ts'

type Lanes = Parts['listen']

const nativeOf = ({ upstreams }: Parts): Parts['upstreams'] =>
  upstreams.filter(({ options }) => options.provider === B2_NATIVE)

// A listener of S3's knows other proofs, too.
function* checkMembers(parts: Parts, lanes: Lanes): Generator<Remark> {
  if (lanes.length < parts.listen.length) return
  const native = new Set(nativeOf(parts).map(({ name }) => name))
  for (const { path, options } of parts.clients) {
    if (!native.has(options.upstream ?? '') || options.accessKeyId !== undefined) continue
    const message =
      'speaks B2 native, whose clients prove themselves with an application key. Give the client accessKeyId and secretAccessKey.'
    yield { path: [...path, 'upstream'], message }
  }
}

function* checkLanes(parts: Parts, lanes: Lanes): Generator<Remark> {
  for (const { path } of lanes) {
    if (parts.keyrings.length === 0) {
      const message = 'needs a keyring: tokens and upload URLs are sealed with a subkey. Add one.'
      yield { path: [...path, 'api'], message }
    }
    if (parts.clients.every(({ options }) => options.accessKeyId === undefined)) {
      const message =
        'serves nobody, since no client has an accessKeyId, which is its application key id. Add one, or remove the listener.'
      yield { path: [...path, 'api'], message, warning: true }
    }
  }
}

/** Clients that the B2 native lane could not know, and a lane that could not seal, or serves nobody. */
export function* checkB2(parts: Parts): Generator<Remark> {
  const lanes = parts.listen.filter(({ options }) => options.api === 'b2')
  yield* checkMembers(parts, lanes)
  yield* checkLanes(parts, lanes)
}
