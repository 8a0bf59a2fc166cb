import { createHash } from 'node:crypto'
import type { Test } from 'tap'
import { ask } from '../provider.ts'
import { APP, type Site } from '../proxy.ts'
import { type Answer, xmlText } from '../wire/http.ts'
import type { Wanted } from '../wire/signing.ts'

/** A feature of S3 and its test, at one provider. */
export type Feature = readonly [name: string, test: (t: Test, site: Site) => Promise<void>]

/** Asks the proxy, as an application that knows nothing of SSE-C. */
export const app = ({ http }: Site, wanted: Wanted): Promise<Answer> => ask(http, APP, wanted)

/** As `app`, with a document that S3 wants a digest of. */
export const withDocument = (wanted: Wanted, xml: string): Wanted => {
  const body = Buffer.from(xml)
  const md5 = createHash('md5').update(body).digest('base64')
  return { ...wanted, body, headers: { ...wanted.headers, 'content-md5': md5 } }
}

/** What an answer comes to, in a word: its status, and the code of its error. */
export const wordOf = (answer: Answer): string => {
  const code = answer.status < 400 ? undefined : xmlText(answer, 'Code')
  return code === undefined ? String(answer.status) : `${answer.status} ${code}`
}

/** Asks the proxy for what must succeed. */
export const demand = async (t: Test, site: Site, wanted: Wanted): Promise<Answer> => {
  const answer = await app(site, wanted)
  const { method, bucket, objectKey = '', query = {} } = wanted
  t.ok(
    answer.status < 300,
    `${method} ${bucket}/${objectKey} ${Object.keys(query)}: ${wordOf(answer)}`,
  )
  return answer
}

/** A bucket of the feature's own. */
export const newBucket = async (
  t: Test,
  site: Site,
  name: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> => {
  const bucket = `${name}-${site.bucket}`
  await demand(t, site, { method: 'PUT', bucket, headers })
  return bucket
}
