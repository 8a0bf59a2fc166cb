import { CLIENT } from '../ends/client-credentials.ts'
import { signedHead, type Wanted } from './heads.ts'
import { measure, type Taken } from './meter.ts'
import { clientNamed, createTravel, encrypting, journeyFor, keyringNamed } from './stage.ts'

/* `npm run bench:journey`: what the journey itself takes of each request, without listener, network and bodies. */

/** Distinct requests of each kind: none is the same as the one before. */
const DISTINCT = 256

type Kind = readonly [name: string, wanted: (number: number) => Wanted]

const KINDS: readonly Kind[] = [
  ['GetObject', number => ({ method: 'GET', rawPath: `/bench/4096/plain/${number}` })],
  ['PutObject', number => ({ method: 'PUT', rawPath: `/bench/4096/plain/${number}`, body: 4096 })],
  ['HeadObject', number => ({ method: 'HEAD', rawPath: `/bench/4096/plain/${number}` })],
  [
    'ListObjectsV2',
    number => ({
      method: 'GET',
      rawPath: '/bench',
      rawQuery: `list-type=2&max-keys=100&prefix=a%2F${number}`,
    }),
  ],
]

const travel = createTravel(
  journeyFor({
    clients: [clientNamed('bench', CLIENT.accessKeyId)],
    keyrings: [keyringNamed('main')],
    rules: [encrypting('all', { buckets: ['bench'] }, 'main')],
  }),
)

const measureKind = async ([, wanted]: Kind): Promise<Taken> => {
  const heads = Array.from({ length: DISTINCT }, (_, number) => signedHead(wanted(number)))
  return measure(async requests => {
    for (let done = 0; done < requests; done += heads.length) {
      for (const head of heads.slice(0, requests - done)) await travel(head)
    }
  })
}

const rows: Record<string, Record<keyof Taken, number>> = {}
for (const kind of KINDS) {
  const { microseconds, kibibytes, promises, maps, copies } = await measureKind(kind)
  rows[kind[0]] = {
    microseconds: Number(microseconds.toFixed(1)),
    kibibytes: Number(kibibytes.toFixed(1)),
    promises,
    maps,
    copies,
  }
}
console.table(rows)
