import type { Client, ClientProof, UpstreamCredentials } from '../../authenticate/client.ts'
import type { Part } from '../parts.ts'
import type { ClientShape } from '../schema/client.ts'
import { readCredentials, readSecret, type Sources } from '../sources.ts'

type ClientPart = Part<ClientShape>

const assembleProof = async (
  sources: Sources,
  { path, options }: ClientPart,
): Promise<ClientProof | undefined> => {
  const { accessKeyId, secretAccessKey: ref, signatures: schemes, trusted, anonymous } = options
  if (anonymous) return { kind: 'anonymous' }
  if (trusted !== undefined) {
    return typeof trusted === 'string'
      ? { kind: trusted }
      : { kind: 'tlsSubject', subject: trusted.tlsSubject }
  }
  if (accessKeyId === undefined || ref === undefined) return undefined
  const secretAccessKey = await readSecret(sources, [...path, 'secretAccessKey'], ref)
  return (
    secretAccessKey && {
      kind: 'signature',
      accessKeyId,
      secretAccessKey,
      ...(schemes && { schemes }),
    }
  )
}

const assembleUpstreamCredentials = async (
  sources: Sources,
  { path, options }: ClientPart,
  region: string,
): Promise<UpstreamCredentials | undefined> => {
  const { anonymous, upstreamCredentials: ref } = options
  if (anonymous) return { kind: 'none' }
  if (ref === undefined) return { kind: 'upstream' }
  if (ref === 'same') return { kind: 'same' }
  const credentials = await readCredentials(sources, [...path, 'upstreamCredentials'], ref, region)
  return credentials && { kind: 'own', credentials }
}

/**
 * Makes a client, with its secrets fetched.
 *
 * @param region its upstream's
 */
export const assembleClient = async (
  sources: Sources,
  part: ClientPart,
  region: string,
): Promise<Client | undefined> => {
  const proof = await assembleProof(sources, part)
  const upstreamCredentials = await assembleUpstreamCredentials(sources, part, region)
  if (part.whole === undefined || proof === undefined) return undefined
  const { name, upstream } = part.whole
  return upstreamCredentials && { name, proof, upstream, upstreamCredentials }
}
