import type { Test } from 'tap'
import { type Answer, send } from '../wire/http.ts'
import { at, type Cell, storedAt, toStore } from './cell.ts'
import { LIMITS } from './limits.ts'
import { checkRead, type Step, sameBytes, skip } from './step.ts'

const follow = (
  { endpoint }: Cell,
  method: string,
  url: string,
  body?: Buffer,
): Promise<Answer> => {
  const headers = body === undefined ? {} : { 'content-length': String(body.length) }
  return send(endpoint, { method, target: url.slice(endpoint.origin.length), headers, body })
}

export const presignedGet: Step = [
  'presigns a GET',
  async (t, cell) => {
    const bytes = toStore(cell, 'presigned get+1', 1000)
    await cell.client.putBuffer(at(cell, 'presigned get+1'), bytes)
    const url = await cell.client.presignGet(at(cell, 'presigned get+1'))
    const answer = await follow(cell, 'GET', url)
    t.equal(answer.status, 200)
    sameBytes(t, answer.body, bytes, 'presigned GET')
  },
]

export const presignedPut: Step = [
  'presigns a PUT',
  async (t, cell) => {
    const { presignPut } = cell.client.lacks
    if (presignPut !== undefined) return skip(t, presignPut)
    const url = await cell.client.presignPut(at(cell, 'presigned put+1'))
    const bytes = toStore(cell, 'presigned put+1', 1000)
    const answer = await follow(cell, 'PUT', url, bytes)
    t.equal(answer.status, 200, answer.body.toString())
    await checkRead(t, cell, 'presigned put+1')
  },
]

const HARD_KEYS = [
  'hard/with spaces  in it ',
  'hard/a+b=c&d;e,f?g#h',
  'hard/100%25 %41 %zz',
  `hard/quotes'"<>!()*~$@:|[]{}^\``,
  'hard/Zürich/東京/😀/e\u0301',
  'hard/double//slash',
  'hard/up/../here/./and/..',
  // The longest that S3 takes, in segments that a file system takes.
  `hard/${`${'n'.repeat(199)}/`.repeat(5)}${'n'.repeat(19)}`,
]

export const hardKeys: Step = [
  'takes object keys of every kind',
  async (t, cell) => {
    for (const key of HARD_KEYS) {
      const refused = LIMITS[cell.upstream].refusesKey(key)
      if (refused !== undefined) t.ok(true, key, { skip: refused })
      else await t.test(key.slice(0, 40), t => hardKey(t, cell, key))
    }
  },
]

const hardKey = async (t: Test, cell: Cell, key: string): Promise<void> => {
  await cell.client.putBuffer(at(cell, key), toStore(cell, key, 100))
  t.equal((await cell.client.head(at(cell, key))).size, 100)
  await checkRead(t, cell, key)
  const answer = await follow(cell, 'GET', await cell.client.presignGet(at(cell, key)))
  sameBytes(t, answer.body, storedAt(cell, key), 'presigned GET')
}
