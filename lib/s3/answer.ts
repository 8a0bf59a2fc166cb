import type { S3Response } from './response.ts'

/** Headers in the order in which they are said; of a name that is said twice, the last counts. */
export type HeaderEntries = Iterable<readonly [name: string, value: string]>

/** An answer without a body. */
export const emptyAnswer = (status: number, headers: HeaderEntries = []): S3Response => ({
  status,
  headers: new Map(headers),
  body: undefined,
})

/** @param xml a whole document */
export const xmlAnswer = (xml: string, headers: HeaderEntries = [], status = 200): S3Response => {
  const body = Buffer.from(xml)
  const described = [
    ['content-type', 'application/xml'],
    ['content-length', String(body.length)],
  ] as const
  return { status, headers: new Map([...headers, ...described]), body }
}
