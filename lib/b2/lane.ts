import type { Client } from '../authenticate/client.ts'
import { B2_NATIVE } from '../dialect/profiles.ts'
import type { Keyrings } from '../keys/find-keys.ts'
import type { Policy } from '../policy/resolve.ts'
import { withoutHopByHop } from '../s3/headers.ts'
import type { S3Response } from '../s3/response.ts'
import type { Transport } from '../transport/transport.ts'
import type { Upstream } from '../transport/upstream.ts'
import { createAsk } from './ask.ts'
import { type AuthorizeParts, authorize } from './authorize.ts'
import { type CallParts, callDocument } from './call-document.ts'
import { type DecideParts, decide } from './decide.ts'
import { download } from './download.ts'
import { UpstreamRefusal } from './error.ts'
import { type LocateParts, locate } from './locate.ts'
import { createPlaces } from './places.ts'
import { type B2Received, type B2Receiving, type B2Request, receiveB2 } from './request.ts'
import { createSeals, type Purpose, type Seals } from './seals.ts'
import { createMembers, openSession } from './session.ts'
import { type UploadParts, upload } from './upload.ts'
import { createSendB2 } from './upstream.ts'

export interface LaneParts {
  readonly clients: readonly Client[]
  readonly upstreams: ReadonlyMap<string, Upstream>
  /** Those of the moment: they change when keys are fetched anew. */
  readonly keyrings: () => Keyrings
  readonly policy: Policy
  /** Reaches whatever origin a request's upstream names. */
  readonly transport: Transport
  /** Bytes of a JSON document at most. */
  readonly documentBytes: number
  /** Left out where every client's upstream is B2. */
  readonly front?: B2Front
}

/** Serves those B2 native clients whose upstream is none. */
export interface B2Front {
  /** Whether a request is of one of its clients, by its looks: nothing of it is believed yet. */
  takes(request: B2Request): boolean
  answer(
    request: B2Request,
    seals: Seals,
    s3Url: string | undefined,
    signal: AbortSignal,
  ): Promise<S3Response>
}

/** Answers B2 native clients. */
export type B2Lane = (
  received: B2Received,
  receiving: B2LaneReceiving,
  signal: AbortSignal,
) => Promise<S3Response>

export interface B2LaneReceiving extends B2Receiving {
  /** The URL that clients reach the proxy's S3 listener by. */
  readonly s3Url: string | undefined
}

type Rooms = Omit<AuthorizeParts, 's3Url'> & CallParts & LocateParts & DecideParts & UploadParts

/** What stays, whatever the keys are. */
type Standing = Omit<Rooms, 'keyrings' | 'seals'>

const createStanding = (parts: LaneParts): Standing => {
  const native = [...parts.upstreams].filter(([, { provider }]) => provider === B2_NATIVE)
  const send = createSendB2(parts.transport)
  const ask = createAsk(send)
  const { policy, documentBytes } = parts
  return {
    members: createMembers(parts.clients, new Map(native)),
    places: createPlaces(ask),
    policy,
    documentBytes,
    send,
    ask,
  }
}

const isDownload = ({ call }: B2Request): boolean =>
  call === 'b2_download_file_by_id' || call === 'b2_download_file_by_name'

const DOWNLOAD_TOKENS: readonly Purpose[] = ['token', 'download-token']

/** A token comes in the header or, for links, in the query. */
const tokenOf = (request: B2Request): string | undefined =>
  request.headers.get('authorization') ??
  (isDownload(request)
    ? request.query.find(({ name }) => name === 'Authorization')?.value
    : undefined)

/** THE JOURNEY of a call: who, about what, whether, with which keys, and on. */
const goOn = async (request: B2Request, rooms: Rooms, signal: AbortSignal): Promise<S3Response> => {
  const purposes = isDownload(request) ? DOWNLOAD_TOKENS : DOWNLOAD_TOKENS.slice(0, 1)
  const session = openSession(rooms.seals, rooms.members, tokenOf(request), purposes)
  request.journal.note({ client: session.client.name })
  const located = await locate(request, session, rooms, signal)
  const decided = decide(located, rooms)
  return isDownload(request)
    ? download(decided, rooms, signal)
    : callDocument(decided, rooms, signal)
}

const answer = (
  request: B2Request,
  rooms: Rooms,
  s3Url: string | undefined,
  signal: AbortSignal,
) => {
  switch (request.call) {
    case 'b2_authorize_account':
      return authorize(request, { ...rooms, s3Url }, signal)
    case 'b2_upload_file':
    case 'b2_upload_part':
      return upload(request, rooms, signal)
    default:
      return goOn(request, rooms, signal)
  }
}

const givenOn = (answer: S3Response): S3Response => ({
  ...answer,
  headers: withoutHopByHop(answer.headers),
})

/** Builds the lane with its IO. */
export const createB2Lane = (parts: LaneParts): B2Lane => {
  const standing = createStanding(parts)
  return async (received, { s3Url, ...receiving }, signal) => {
    try {
      const keyrings = parts.keyrings()
      const seals = createSeals(keyrings)
      const request = receiveB2(received, receiving)
      if (parts.front?.takes(request))
        return await parts.front.answer(request, seals, s3Url, signal)
      return await answer(request, { ...standing, keyrings, seals }, s3Url, signal)
    } catch (error) {
      if (error instanceof UpstreamRefusal) return givenOn(error.answer)
      throw error
    }
  }
}
