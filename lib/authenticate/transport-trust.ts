import type { Peer } from '../s3/request.ts'
import type { Client, ClientProof } from './client.ts'

/** The proofs that need no signature, most specific first. */
const KINDS: readonly ClientProof['kind'][] = ['tlsSubject', 'unix', 'loopback', 'anonymous']

/**
 * Finds the client of a request that carries no signature by the way that it came; of several, the most specific,
 * and of those the first.
 */
export const createTransportTrust = (
  clients: readonly Client[],
): ((peer: Peer) => Client | undefined) => {
  const candidates = KINDS.flatMap(kind => clients.filter(({ proof }) => proof.kind === kind))
  return peer => candidates.find(({ proof }) => vouches(proof, peer))
}

const vouches = (proof: ClientProof, peer: Peer): boolean =>
  proof.kind === 'anonymous' ||
  (proof.kind === 'loopback' && peer.loopback) ||
  (proof.kind === 'unix' && peer.transport === 'unix') ||
  (proof.kind === 'tlsSubject' && proof.subject === peer.tlsSubject)
