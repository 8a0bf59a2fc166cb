import { Writable } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { Relay } from '../../lib/http1/relay.ts'
import { LARGE_SLAB, SLAB, SlabPool, type SlabSize } from '../../lib/http1/slab-pool.ts'
import { SpoilingPool } from './spoiling-pool.ts'

/** A client that takes what it is sent only when told to. */
class HeldSink extends Writable {
  readonly taken: Buffer[] = []
  readonly #held: (() => void)[] = []
  isOpen: boolean

  constructor(isOpen: boolean) {
    super({ highWaterMark: 1 })
    this.isOpen = isOpen
  }

  /** What came, copied only when it was taken: until then it must not change. */
  get received(): Buffer {
    return Buffer.concat(this.taken)
  }

  take(): void {
    this.#held.shift()?.()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const take = (): void => {
      this.taken.push(Buffer.from(chunk))
      done()
    }
    if (this.isOpen) take()
    else this.#held.push(take)
  }
}

class CountingPool extends SpoilingPool {
  /** The most slabs that were out at a time. */
  most = 0
  override take(size: SlabSize): Buffer {
    const slab = super.take(size)
    this.most = Math.max(this.most, this.lent)
    return slab
  }
}

/** A connection that reads as a socket does: into what `buffer` gave last. */
class Connection {
  readonly relay: Relay
  readonly scratch = Buffer.alloc(16 * 1024)
  readonly sent: Buffer[] = []
  resumes = 0
  #bound: Buffer = this.scratch
  #count = 0

  constructor(
    sink: HeldSink,
    slabs: SlabPool,
    isTls = false,
    onFault = (_: Error): void => undefined,
  ) {
    const source = {
      isTls,
      resume: () => {
        this.resumes += 1
      },
      cancel: () => undefined,
    }
    this.relay = new Relay(sink, slabs, source, onFault)
    this.bind()
  }

  get isOnScratch(): boolean {
    return this.#bound === this.scratch
  }

  get room(): number {
    return this.#bound.length
  }

  bind(): void {
    this.#bound = this.relay.buffer() ?? this.scratch
  }

  /**
   * Reads once, at most `most` bytes, the first `skipped` of which are framing.
   *
   * @returns whether to read on
   */
  read(most: number, skipped = 0): boolean {
    const bytes = this.#bound.subarray(0, most)
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = this.#count++ % 251
    const body = bytes.subarray(skipped)
    this.sent.push(Buffer.from(body))
    if (body.length > 0) this.relay.receive(body)
    const goesOn = this.relay.endOfRead()
    this.bind()
    return goesOn
  }
}

const tick = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Takes all, one write at a time. */
const drain = async (sink: HeldSink): Promise<void> => {
  for (let i = 0; i < 400 && sink.writableLength > 0; i += 1) {
    sink.take()
    await tick()
  }
  await tick()
}

t.test('a client that takes nothing costs two slabs, and no more is read', async t => {
  for (const isTls of [false, true]) {
    const slabs = new SpoilingPool()
    const sink = new HeldSink(false)
    const connection = new Connection(sink, slabs, isTls)
    for (let reads = 0; reads < 100 && connection.read(isTls ? 16 * 1024 : SLAB); reads += 1);
    t.equal(slabs.lent, 2)
    t.ok(Buffer.concat(connection.sent).length <= 2 * SLAB)
    // TLS delivers what it had read.
    for (let i = 0; i < 5; i += 1) {
      t.equal(connection.isOnScratch, !isTls)
      t.notOk(connection.read(16 * 1024))
    }
    t.equal(slabs.lent, 2)
    t.equal(connection.resumes, 0)
    await drain(sink)
    t.ok(connection.resumes > 0)
    connection.relay.finish()
    await drain(sink)
    t.ok(sink.received.equals(Buffer.concat(connection.sent)))
    t.equal(slabs.lent, 0)
  }
})

t.test('a client that takes all at once gets large slabs, until it does not', async t => {
  const slabs = new SpoilingPool()
  const sink = new HeldSink(true)
  const connection = new Connection(sink, slabs)
  const sizes: number[] = []
  for (let i = 0; i < 6; i += 1) {
    sizes.push(connection.room)
    t.ok(connection.read(connection.room))
    await tick()
  }
  t.strictSame(sizes, [SLAB, SLAB, SLAB, SLAB, LARGE_SLAB, LARGE_SLAB])
  sink.isOpen = false
  t.notOk(connection.read(connection.room), 'nothing beside a large slab')
  t.equal(slabs.lent, 1)
  sink.isOpen = true
  await drain(sink)
  connection.read(1000)
  connection.read(1000)
  t.equal(connection.room, SLAB)
  connection.relay.finish()
  await tick()
  t.ok(sink.received.equals(Buffer.concat(connection.sent)))
  t.equal(slabs.lent, 0)
})

t.test('small reads do not make a slab grow', async t => {
  const connection = new Connection(new HeldSink(true), new SpoilingPool())
  for (let i = 0; i < 20; i += 1) connection.read(64 * 1024)
  t.equal(connection.room, SLAB)
})

t.test('TLS records are gathered, and leave with the tick at the latest', async t => {
  const sink = new HeldSink(true)
  const connection = new Connection(sink, new SpoilingPool(), true)
  for (let i = 0; i < 4; i += 1) connection.read(16 * 1024)
  t.strictSame(
    sink.taken.map(({ length }) => length),
    [64 * 1024],
  )
  connection.read(1000)
  t.equal(sink.taken.length, 1)
  await tick()
  t.equal(sink.taken.length, 2)
  connection.relay.abandon()
})

t.test('a write that fails is a fault, and its slabs are never lent again', async t => {
  const slabs = new SlabPool()
  const known = [slabs.take(SLAB), slabs.take(SLAB)]
  for (const slab of known) slabs.give(slab)
  const sink = new HeldSink(false)
  sink.on('error', () => undefined)
  const faults: Error[] = []
  const connection = new Connection(sink, slabs, false, fault => faults.push(fault))
  connection.read(SLAB)
  connection.read(1000)
  sink.destroy(new Error('gone'))
  sink.take()
  await tick()
  t.ok(faults.length > 0)
  connection.relay.abandon()
  connection.relay.abandon()
  t.equal(connection.relay.buffer(), undefined)
  t.equal(slabs.lent, 0)
  const next = [slabs.take(SLAB), slabs.take(SLAB)]
  t.equal(next.filter(slab => known.includes(slab)).length, 1, 'the one whose write was done')
})

type Step =
  | { readonly kind: 'read'; readonly most: number; readonly skipped: number }
  | { readonly kind: 'open'; readonly isOpen: boolean }
  | { readonly kind: 'take' | 'tick' }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('read' as const),
    most: fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.constantFrom(SLAB, LARGE_SLAB)),
    skipped: fc.integer({ min: 0, max: 9 }),
  }),
  fc.record({ kind: fc.constant('open' as const), isOpen: fc.boolean() }),
  fc.record({ kind: fc.constantFrom('take' as const, 'tick' as const) }),
)

const play = async (connection: Connection, sink: HeldSink, steps: readonly Step[]) => {
  let goesOn = true
  for (const each of steps) {
    switch (each.kind) {
      case 'read':
        // A paused connection may deliver a little more.
        goesOn = connection.read(goesOn ? each.most : 5000, each.skipped)
        break
      case 'open':
        sink.isOpen = each.isOpen
        break
      case 'take':
        sink.take()
        break
      case 'tick':
        await tick()
    }
  }
}

t.test('however reads, framing, writes and pauses fall, the bytes arrive', async t => {
  const steps = fc.array(step, { maxLength: 60 })
  const property = fc.asyncProperty(steps, fc.boolean(), async (steps, isTls) => {
    const slabs = new CountingPool()
    const sink = new HeldSink(false)
    const connection = new Connection(sink, slabs, isTls)
    await play(connection, sink, steps)
    connection.relay.finish()
    await drain(sink)
    t.ok(sink.received.equals(Buffer.concat(connection.sent)))
    t.ok(slabs.most <= 2)
    t.equal(slabs.lent, 0)
  })
  await fc.assert(property, { numRuns: 150 })
})

t.test('the pool lends what it got back, and knows what is out', async t => {
  const slabs = new SlabPool()
  const [one, two] = [slabs.take(SLAB), slabs.take(LARGE_SLAB)]
  t.strictSame([one.length, two.length, slabs.lent], [SLAB, LARGE_SLAB, 2])
  slabs.give(one)
  t.throws(() => slabs.give(one), /not out/)
  t.equal(slabs.take(SLAB), one)
  slabs.abandon(one)
  t.throws(() => slabs.give(one), /not out/)
  t.not(slabs.take(SLAB), one)
  const many = Array.from({ length: 80 }, () => slabs.take(LARGE_SLAB))
  for (const slab of many) slabs.give(slab)
  const again = Array.from({ length: 80 }, () => slabs.take(LARGE_SLAB))
  t.equal(again.filter(slab => many.includes(slab)).length, 64, 'it keeps 64 MiB')
})
