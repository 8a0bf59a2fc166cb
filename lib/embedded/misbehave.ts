import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { emptyAnswer, xmlAnswer } from '../s3/answer.ts'
import { withHeaders, withoutHeaders } from '../s3/headers.ts'
import type { S3Response } from '../s3/response.ts'
import { errorXml } from '../s3/xml.ts'
import type { Misbehaviour } from './faults.ts'
import type { EmbeddedRequest } from './request.ts'
import { isTripleHeader } from './ssec.ts'

/** What happens to the connection: only a fault makes it anything but `keep`. */
export type Ending =
  | { readonly kind: 'keep' }
  /** Closed behind the answer. */
  | { readonly kind: 'close' }
  /** Destroyed behind so many bytes of the answer's body. */
  | { readonly kind: 'cut'; readonly bytes: number }
  /** Destroyed instead of an answer. */
  | { readonly kind: 'destroy' }

export interface Answer extends S3Response {
  readonly ending: Ending
}

/** Answers a request, honestly or not. */
export type Answering = (request: EmbeddedRequest) => Promise<Answer>

/** `honest`, as faults make it; the first of them is outermost. */
export const misbehaving = (honest: Answering, faults: readonly Misbehaviour[]): Answering =>
  faults.reduceRight((answering, fault) => misbehavingOnce(answering, fault), honest)

const KEEP: Ending = { kind: 'keep' }

const misbehavingOnce =
  (honest: Answering, fault: Misbehaviour): Answering =>
  async request => {
    switch (fault.kind) {
      case 'ignoreSseC':
        return honest({ ...request, headers: withoutHeaders(request.headers, isTripleHeader) })
      case 'wrongEcho':
        return withWrongEcho(await honest(request))
      case 'blockSseC':
        return blockingSseC(honest, request)
      case 'stall':
        return stall(request)
      case 'cut':
        return { ...(await honest(request)), ending: { kind: 'cut', bytes: fault.bytes } }
      case 'answerEarly':
        return { ...answerOf(fault, request), ending: KEEP }
      case 'status':
        await readWhole(request)
        return { ...answerOf(fault, request), ending: KEEP }
      case 'closeAfter':
        return { ...(await honest(request)), ending: { kind: 'close' } }
      case 'refuseConnectionReuse':
        return request.turn > 1
          ? { ...emptyAnswer(500), ending: { kind: 'destroy' } }
          : honest(request)
      case 'delay':
        await setTimeout(fault.ms)
        return honest(request)
    }
  }

const ECHOED_MD5 = 'x-amz-server-side-encryption-customer-key-md5'
const MD5_OF_NOTHING = '1B2M2Y8AsgTpgAmY7PhCfg=='

const withWrongEcho = (answer: Answer): Answer =>
  answer.headers.has(ECHOED_MD5)
    ? { ...answer, headers: withHeaders(answer.headers, [[ECHOED_MD5, MD5_OF_NOTHING]]) }
    : answer

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html
const BLOCKED =
  '<ServerSideEncryptionConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled><BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule></ServerSideEncryptionConfiguration>'

const blockingSseC = async (honest: Answering, request: EmbeddedRequest): Promise<Answer> => {
  const { operation, headers } = request
  if (operation.name === 'GetBucketEncryption') return { ...xmlAnswer(BLOCKED), ending: KEEP }
  const isBlocked = operation.class === 'write' && [...headers.keys()].some(isTripleHeader)
  if (!isBlocked) return honest(request)
  await readWhole(request)
  return { ...answerOf({ status: 403, code: 'AccessDenied' }, request), ending: KEEP }
}

const stall = async ({ gone }: EmbeddedRequest): Promise<Answer> => {
  if (!gone.aborted) await once(gone, 'abort')
  return { ...emptyAnswer(500), ending: { kind: 'destroy' } }
}

const readWhole = async ({ wire, proceed }: EmbeddedRequest): Promise<void> => {
  proceed()
  for await (const _ of wire.iterator({ destroyOnReturn: false }));
}

const answerOf = (
  { status, code }: { readonly status: number; readonly code?: string },
  { id, rawPath }: EmbeddedRequest,
): S3Response => {
  if (code === undefined) return emptyAnswer(status)
  const told = {
    code,
    message: 'Told to answer so.',
    details: {},
    resource: rawPath,
    requestId: id,
  }
  return xmlAnswer(errorXml(told), [], status)
}
