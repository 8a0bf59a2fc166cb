import { setTimeout as sleep } from 'node:timers/promises'
import { bytesOf, MIB } from './bytes.ts'
import { causeOf } from './command.ts'
import { ask, copySource } from './provider.ts'
import { APP } from './proxy.ts'
import type { Endpoint } from './stage.ts'
import { type Answer, xmlText } from './wire/http.ts'
import type { Wanted } from './wire/signing.ts'

/** What was stored under an object key, and when by the clock, in milliseconds. */
export interface Written {
  /** What its bytes are made of. */
  readonly seed: string
  readonly bytes: number
  /** When its version had to be chosen at the earliest. An upload's is chosen when it is created. */
  readonly begun: number
  readonly ended: number
}

const SMALL = 1000

/** The least that S3 takes for a part that is not the last. */
const PART = 5 * MIB

/** Milliseconds between two rounds of a client, so that a small machine has time for the proxies. */
const PAUSE = 250

/** Milliseconds that an upload rests between its parts, for a rotation to come in between. */
const UPLOAD_PAUSE = 2500

/** Has the mixed load of many clients on replicas: no request goes to the one that had the client's last. */
export class Load {
  readonly bucket: string
  readonly #replicas: readonly Endpoint[]
  readonly written = new Map<string, Written>()
  readonly failures: string[] = []
  requests = 0
  #isOver = false
  #clients: readonly Promise<void>[] = []

  constructor(bucket: string, replicas: readonly Endpoint[]) {
    this.bucket = bucket
    this.#replicas = replicas
  }

  start(): void {
    this.#clients = [
      this.#repeat(0, new Client(this, this.#replicas, 'a'), client => client.objects()),
      this.#repeat(1, new Client(this, this.#replicas, 'b'), client => client.objects()),
      this.#repeat(2, new Client(this, this.#replicas, 'c'), client => client.upload()),
      this.#repeat(3, new Client(this, this.#replicas, 'd'), client => client.upload()),
    ]
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#clients)
  }

  async #repeat(turn: number, client: Client, round: (client: Client) => Promise<void>) {
    // Not all at once.
    await sleep((turn * UPLOAD_PAUSE) / 4)
    while (!this.#isOver) {
      await round(client).catch(error => this.failures.push(causeOf(error)))
      await sleep(PAUSE)
    }
  }

  /** Reads an object at one replica, and throws nothing. */
  async check(objectKey: string, replica: Endpoint): Promise<void> {
    await new Client(this, [replica], '')
      .read(objectKey)
      .catch(error => this.failures.push(causeOf(error)))
  }
}

class Client {
  readonly #load: Load
  readonly #replicas: readonly Endpoint[]
  readonly #name: string
  #asked = 0
  #rounds = 0

  constructor(load: Load, replicas: readonly Endpoint[], name: string) {
    this.#load = load
    this.#replicas = replicas
    this.#name = name
  }

  /** @throws {Error} when the answer is an error, also one that comes after a 200 */
  async #demand(wanted: Wanted & { readonly objectKey: string }): Promise<Answer> {
    const { bucket } = this.#load
    const turn = this.#asked++ % this.#replicas.length
    const replica = this.#replicas[turn]
    if (replica === undefined) throw new Error('no replicas')
    this.#load.requests += 1
    const what = `${wanted.method} ${wanted.objectKey} at ${replica.origin}`
    const answer = await ask(replica, APP, { bucket, ...wanted }).catch((error: unknown) => {
      throw new Error(`${what}: ${causeOf(error)}`)
    })
    const failed = answer.status >= 300 || xmlText(answer, 'Code') !== undefined
    if (!failed) return answer
    throw new Error(`${what}: ${answer.status} ${String(answer.body).replaceAll('\n', ' ')}`)
  }

  async #write(
    objectKey: string,
    { seed, bytes }: Pick<Written, 'seed' | 'bytes'>,
    write: () => Promise<unknown>,
  ): Promise<void> {
    const begun = Date.now()
    await write()
    this.#load.written.set(objectKey, { seed, bytes, begun, ended: Date.now() })
  }

  async read(objectKey: string): Promise<void> {
    const { seed, bytes } = this.#load.written.get(objectKey) ?? { seed: '', bytes: 0 }
    const { body } = await this.#demand({ method: 'GET', objectKey })
    if (!body.equals(bytesOf(bytes, seed))) throw new Error(`GET ${objectKey}: other bytes`)
  }

  async #readEarlier(): Promise<void> {
    const names = [...this.#load.written.keys()]
    await this.read(names[Math.floor(Math.random() * names.length)] ?? '')
  }

  /** Puts an object, reads it, copies it, reads the copy, and reads some earlier one. */
  async objects(): Promise<void> {
    const objectKey = `${this.#name}/${this.#rounds++}`
    const what = { seed: objectKey, bytes: SMALL }
    const body = bytesOf(SMALL, objectKey)
    await this.#write(objectKey, what, () => this.#demand({ method: 'PUT', objectKey, body }))
    await this.read(objectKey)
    const copy = `${objectKey}-copy`
    const headers = { 'x-amz-copy-source': copySource({ bucket: this.#load.bucket, objectKey }) }
    await this.#write(copy, what, () => this.#demand({ method: 'PUT', objectKey: copy, headers }))
    await this.read(copy)
    await this.#readEarlier()
  }

  /** Uploads an object in two parts, and reads it. */
  async upload(): Promise<void> {
    const objectKey = `${this.#name}/${this.#rounds++}-upload`
    const bytes = PART + SMALL
    await this.#write(objectKey, { seed: objectKey, bytes }, () =>
      this.#uploadParts(objectKey, bytesOf(bytes, objectKey)),
    )
    await this.read(objectKey)
  }

  async #uploadParts(objectKey: string, body: Buffer): Promise<void> {
    const created = await this.#demand({ method: 'POST', objectKey, query: { uploads: '' } })
    const uploadId = xmlText(created, 'UploadId') ?? ''
    const parts: string[] = []
    for (const [index, part] of [body.subarray(0, PART), body.subarray(PART)].entries()) {
      const partNumber = String(index + 1)
      const query = { partNumber, uploadId }
      const { headers } = await this.#demand({ method: 'PUT', objectKey, query, body: part })
      parts.push(
        `<Part><PartNumber>${partNumber}</PartNumber><ETag>${headers['etag']}</ETag></Part>`,
      )
      await sleep(UPLOAD_PAUSE / 2)
    }
    const document = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`
    const query = { uploadId }
    await this.#demand({ method: 'POST', objectKey, query, body: Buffer.from(document) })
  }
}
