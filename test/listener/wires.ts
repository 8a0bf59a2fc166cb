/** Random numbers that are the same for one seed: mulberry32. */
export const createRandom = (seed: number): ((below: number) => number) => {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

type Random = (below: number) => number

const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)] as T

const METHODS = [
  'GET',
  'PUT',
  'POST',
  'HEAD',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'SEARCH',
  'M-SEARCH',
  'CONNECT',
  'PRI',
  'get',
  'FOO',
  '',
  'GE T',
]
const TARGETS = [
  '/',
  '/b/k',
  '/b/k?x=%20&y',
  '*',
  'http://h/b',
  'HTTP://h',
  'h:443',
  '//x',
  '/a b',
  '/\xe4',
  '/\x00',
  '/#f',
  '',
  '/{}',
  's3://x/y',
]
const VERSIONS = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/0.9',
  'http/1.1',
  'HTTP/1.1 ',
  'HTTP/11',
  '',
]
const NAMES = [
  'Host',
  'Content-Length',
  'content-length',
  'Transfer-Encoding',
  'TRANSFER-ENCODING',
  'Connection',
  'Expect',
  'Upgrade',
  'X-A',
  'x-amz-meta-b',
  'Content-Length ',
  ' X',
  'X Y',
  '',
  'X\x00',
  'X\xe4',
  'Trailer',
  'TE',
]
const VALUES = [
  'a',
  '',
  '0',
  '3',
  '5',
  '00005',
  '+5',
  '-1',
  '5, 5',
  '5,6',
  '0x5',
  '5 ',
  '1e1',
  '99999999999999999999',
  '9007199254740993',
  'chunked',
  'Chunked',
  'gzip, chunked',
  'chunked, gzip',
  'chunked, chunked',
  'identity',
  'xchunked',
  '"chunked"',
  '\tchunked',
  'chunked\t',
  'close',
  'keep-alive',
  'upgrade',
  '100-continue',
  '200-ok',
  'a\x00b',
  'a\rb',
  '\xe4\xff',
  '\x7f',
  '\x0b',
  'x\r\n y',
  'x\n y',
]
const ENDS = [
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\n',
  '\r',
  '\r\r\n',
  '\n\r\n',
  ' \r\n',
  '',
]
const BODIES = [
  '',
  'abc',
  'abcde',
  '5\r\nabcde\r\n0\r\n\r\n',
  '3\r\nabc\r\n0\r\nX: y\r\n\r\n',
  '3;x=y\r\nabc\r\n0\r\n\r\n',
  '3 \r\nabc\r\n0\r\n\r\n',
  '3\nabc\n0\n\n',
  '0x3\r\nabc\r\n0\r\n\r\n',
  'ffffffffffffffffff\r\n',
  '-3\r\nabc',
  '3\r\nabcd\r\n0\r\n\r\n',
  '0\r\nContent-Length: 5\r\n\r\n',
  '3;"a\r\nabc\r\n0\r\n\r\n',
  '\r\n',
  '\r\n\r\n',
  '0\r\n\r\n',
  '3;\r\nabc\r\n00\r\n\r\n',
  '3\r\nabc\r\n0\r\n bad\r\n\r\n',
]

const CHUNKED = BODIES.filter(each => /0\r\n(?:.*\r\n)?\r\n$/.test(each))

/** The bytes that parsers part over. */
const SPICE = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  ':',
  '\0',
  ',',
  ';',
  '0',
  '5',
  '\x7f',
  '\xa0',
  '\xff',
  '\x0b',
  '\x0c',
  '\r\n\r\n',
  '\x85',
  'a',
  '/',
  '"',
]

const field = (random: Random): string =>
  `${pick(random, NAMES)}${pick(random, [':', ': ', ': ', ': ', ':\t', ' : '])}${pick(random, VALUES)}`

/** Most are good, so that what is odd stands in what would be accepted. */
const fields = (random: Random): string => {
  let lines = random(30) === 0 ? '' : `Host: h${'\r\n'}`
  const framing = random(3)
  if (framing === 1) lines += 'Content-Length: 5\r\n'
  if (framing === 2) lines += 'Transfer-Encoding: chunked\r\n'
  for (let count = random(4); count > 0; count -= 1)
    lines += random(3) > 0 ? `X-Good: 1\r\n` : field(random) + pick(random, ENDS)
  return lines
}

/** Mostly one that the framing of its head fits. */
const body = (random: Random, head: string): string => {
  if (random(4) === 0) return pick(random, BODIES)
  if (head.includes('chunked')) return pick(random, CHUNKED)
  return head.includes('Content-Length: 5') ? 'abcde' : ''
}

const request = (random: Random): string => {
  const line =
    random(5) > 0
      ? `${pick(random, METHODS.slice(0, 6))} ${pick(random, TARGETS.slice(0, 3))} HTTP/1.1\r\n`
      : `${pick(random, METHODS)} ${pick(random, TARGETS)} ${pick(random, VERSIONS)}${pick(random, ENDS)}`
  const head = line + fields(random) + (random(20) === 0 ? pick(random, ENDS) : '\r\n')
  return head + body(random, head)
}

const mutated = (text: string, random: Random): string => {
  const at = random(text.length + 1)
  const cut = random(3)
  return text.slice(0, at) + pick(random, SPICE) + text.slice(at + cut)
}

/** A connection's bytes: one to three requests, whole or spoilt. */
export const someWire = (random: Random): string => {
  let text = request(random)
  for (let more = random(3); more > 0; more -= 1) text += request(random)
  for (let spoils = random(2) * random(4); spoils > 0; spoils -= 1) text = mutated(text, random)
  return text
}
