import t from 'tap'
import { type Reading, readByNode, readByUs, type Understood } from './oracle.ts'
import { createRandom, someWire } from './wires.ts'

/** `npm run fuzz:front`: the same at large. */
const CASES = Number(process.env['FUZZ'] ?? 30_000)

/**
 * Where our parser refuses what node:http's takes, on purpose. Each is safe, for a request that is refused can be read
 * in no other way by anybody behind us.
 */
const STRICTER: Readonly<Record<string, string>> = {
  'malformed request line':
    'one space on each side, no octet above 7E in a target, HTTP/1.0 and 1.1 alone',
  'space behind a framing': 'a tab there is refused by node:http itself, a space is not',
  'unknown method': 'CONNECT makes a tunnel of the connection',
  'malformed header line': 'folded lines, which RFC 9112 §5.2 lets a server refuse',
  'bare line feed in a head': 'RFC 9112 §2.2 lets a reader take it, and not all do',
  'a header that may stand once stands twice': 'Host, Expect and Transfer-Encoding, too',
  'malformed Content-Length': 'what a number cannot hold exactly is no length',
  'unknown Transfer-Encoding':
    'chunked alone: we decode no other, and could not say where its body ends',
  'Transfer-Encoding in HTTP/1.0': 'RFC 9112 §6.1: its framing is faulty',
  'both Transfer-Encoding and Content-Length': 'RFC 9112 §6.3',
  'unknown expectation': 'node:http answers 417; ours is 400',
  'no Host': 'node:http checks it behind its parser',
  'bare line feed in chunks': 'as in a head',
  'malformed chunk size': 'no space behind a size',
  'malformed header line in a trailer': 'as in a head',
}

const same = (ours: Understood | undefined, theirs: Understood | undefined): boolean =>
  ours?.method === theirs?.method &&
  ours?.target === theirs?.target &&
  ours?.headers.join('\n') === theirs?.headers.join('\n')

/** An unfinished body may be told in other portions; a complete one is complete for both. */
const sameBody = (ours: Understood, theirs: Understood | undefined): boolean =>
  !ours.isComplete || (theirs?.isComplete === true && ours.body === theirs.body)

const switchesProtocol = ({ method, headers }: Understood): boolean =>
  method === 'CONNECT' || headers.some(text => text.toLowerCase() === 'upgrade')

const isPrefix = (ours: Reading, theirs: Reading): boolean => {
  for (const [at, request] of ours.requests.entries()) {
    const other = theirs.requests[at]
    if (!same(request, other) || !sameBody(request, other)) return false
    // What stands behind it is no more node:http's to read, and we read no protocol but HTTP.
    if (switchesProtocol(request)) return true
  }
  return true
}

const split = (bytes: Buffer, at: number): readonly Buffer[] => [
  bytes.subarray(0, at),
  bytes.subarray(at),
]

/** What parted the two, of all connections. */
class Tally {
  requests = 0
  laxer = 0
  unlike = 0
  unlisted = 0
  readonly stricter = new Map<string, number>()
  readonly #show: (text: string) => void

  constructor(show: (text: string) => void) {
    this.#show = show
  }

  compare(bytes: Buffer): void {
    const theirs = readByNode(bytes)
    const ours = readByUs([bytes])
    this.requests += ours.requests.length
    if (!isPrefix(ours, theirs)) this.#note(++this.laxer, bytes, ours, theirs)
    if (ours.fault !== undefined && theirs.fault === undefined)
      this.#refused(ours.fault, bytes, ours, theirs)
  }

  compareInPieces(bytes: Buffer, at: number): void {
    const [whole, pieces] = [readByUs([bytes]), readByUs(split(bytes, at))]
    if (JSON.stringify(pieces.requests) !== JSON.stringify(whole.requests))
      this.#note(++this.unlike, bytes, whole, pieces)
  }

  #refused(fault: string, bytes: Buffer, ours: Reading, theirs: Reading): void {
    this.stricter.set(fault, (this.stricter.get(fault) ?? 0) + 1)
    if (STRICTER[fault] === undefined) this.#note(++this.unlisted, bytes, ours, theirs)
  }

  #note(count: number, wire: Buffer, ours: Reading, other: Reading): void {
    if (count < 6) this.#show(JSON.stringify({ wire: wire.toString('latin1'), ours, other }))
  }
}

t.test('our parser takes nothing that node:http refuses, and reads what both take alike', t => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000)
  t.comment(`seed ${seed}, ${CASES} connections`)
  const random = createRandom(seed)
  const tally = new Tally(text => t.comment(text))
  for (let count = 0; count < CASES; count += 1) {
    const bytes = Buffer.from(someWire(random), 'latin1')
    tally.compare(bytes)
    if (count % 8 === 0) tally.compareInPieces(bytes, random(bytes.length + 1))
  }
  const { requests, laxer, unlike, unlisted, stricter } = tally
  t.comment(JSON.stringify({ requests, stricter: Object.fromEntries(stricter) }))
  t.ok(requests > CASES / 4, 'most are good')
  t.equal(laxer, 0, 'taken, and refused or read in another way by node:http')
  t.equal(unlike, 0, 'read in another way when it comes in two pieces')
  t.equal(unlisted, 0, 'refused for a reason that is not listed')
  t.end()
})
