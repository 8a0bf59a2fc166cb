import type { Headers } from './headers.ts'

/** The families of names that clients speak: S3's own, and Huawei OBS's. */
export type ClientDialect = 'amz' | 'obs'

const IN_QUERY = /(?:^|&)(?:AccessKeyId=|x-obs-)/i

/**
 * The dialect that a request is in, by its looks. What it then says is believed only once its signature was verified.
 *
 * @param rawQuery the request target after `?`
 */
export const dialectOf = (headers: Headers, rawQuery: string): ClientDialect => {
  const isObs =
    headers.get('authorization')?.startsWith('OBS ') === true ||
    IN_QUERY.test(rawQuery) ||
    [...headers.keys()].some(name => name.startsWith('x-obs-'))
  return isObs ? 'obs' : 'amz'
}
