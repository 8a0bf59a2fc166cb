import type { OperationName } from '../s3/operation.ts'
import type { EmbeddedRequest } from './request.ts'

/** What the embedded upstream can be told to do wrong. */
export type Misbehaviour =
  /** Takes no notice of header triples: stores plaintext and reads plaintext, 200, no echo. */
  | { readonly kind: 'ignoreSseC' }
  /** Does all as it should, and echoes the MD5 of another key. */
  | { readonly kind: 'wrongEcho' }
  /** Denies whatever is written with a key, as AWS buckets that block SSE-C do, and says so in their configuration. */
  | { readonly kind: 'blockSseC' }
  /** Takes the request's head, and never answers. */
  | { readonly kind: 'stall' }
  /** Destroys the connection behind so many bytes of the answer's body. */
  | { readonly kind: 'cut'; readonly bytes: number }
  /** Answers before it has read the body, and carries nothing out. */
  | { readonly kind: 'answerEarly'; readonly status: number; readonly code?: string }
  /** Answers once it has read the body, and carries nothing out. */
  | { readonly kind: 'status'; readonly status: number; readonly code?: string }
  /** Closes the connection behind the answer, without having said so. */
  | { readonly kind: 'closeAfter' }
  /** Destroys the connection, unanswered, when it has carried a request before. */
  | { readonly kind: 'refuseConnectionReuse' }
  /** Waits before it begins. */
  | { readonly kind: 'delay'; readonly ms: number }

/** What a test may choose by. */
export type FaultyRequest = Pick<EmbeddedRequest, 'method' | 'rawPath' | 'query' | 'headers'>

export interface Fault {
  /** An operation, or whatever the predicate says; left out: every request. */
  readonly on?: OperationName | ((request: FaultyRequest) => boolean)
  /** How many requests it befalls; left out: all. */
  readonly times?: number
  readonly misbehave: Misbehaviour
}

/** The faults of an embedded upstream: tests hold on to it and change it while the upstream runs. */
export interface Faults {
  /** @returns how often the fault has struck */
  add(fault: Fault): () => number
  clear(): void
  /** What befalls a request, in the order in which the faults were added; each of them is used up once. */
  take(request: EmbeddedRequest): readonly Misbehaviour[]
}

export const createFaults = (): Faults => {
  const faults: { readonly fault: Fault; struck: number }[] = []
  return {
    add: fault => {
      const entry = { fault, struck: 0 }
      faults.push(entry)
      return () => entry.struck
    },
    clear: () => {
      faults.length = 0
    },
    take: request => {
      const due = faults.filter(
        ({ fault, struck }) =>
          struck < (fault.times ?? Number.POSITIVE_INFINITY) && befalls(fault, request),
      )
      for (const entry of due) entry.struck += 1
      return due.map(({ fault }) => fault.misbehave)
    },
  }
}

const befalls = ({ on }: Fault, request: EmbeddedRequest): boolean =>
  typeof on === 'function' ? on(request) : on === undefined || on === request.operation.name
