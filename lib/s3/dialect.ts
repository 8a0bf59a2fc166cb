import { type Headers, someHeader } from './headers.ts'

/** The families of names that clients speak: S3's own, Huawei OBS's and Google Cloud Storage's. */
export type ClientDialect = 'amz' | 'obs' | 'goog'

interface Looks {
  readonly dialect: ClientDialect
  /** What the Authorization header begins with. */
  readonly authorization: string
  readonly prefix: string
  /** Told by a raw query. */
  readonly inQuery: RegExp
}

const LOOKS: readonly Looks[] = [
  {
    dialect: 'obs',
    authorization: 'OBS ',
    prefix: 'x-obs-',
    inQuery: /(?:^|&)(?:AccessKeyId=|x-obs-)/i,
  },
  { dialect: 'goog', authorization: 'GOOG4-', prefix: 'x-goog-', inQuery: /(?:^|&)x-goog-/i },
]

/**
 * The dialect that a request is in, by its looks. What it then says is believed only once its signature was verified.
 *
 * @param rawQuery the request target after `?`
 */
export const dialectOf = (headers: Headers, rawQuery: string): ClientDialect => {
  const authorization = headers.get('authorization')
  const found = LOOKS.find(
    looks =>
      authorization?.startsWith(looks.authorization) === true ||
      (rawQuery !== '' && looks.inQuery.test(rawQuery)) ||
      someHeader(headers, name => name.startsWith(looks.prefix)),
  )
  return found?.dialect ?? 'amz'
}
