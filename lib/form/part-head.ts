import { malformedForm } from './form.ts'

/** What a part's header lines say of it. */
export interface PartHead {
  /** The field's name, in lower case. */
  readonly name: string
  /** The name that the client's file has, less its folders. */
  readonly filename: string
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The text of a field or a header line.
 *
 * @throws {S3Error} `MalformedPOSTRequest` for octets that are not UTF-8: browsers write forms in their page's encoding
 */
export const decodeText = (bytes: Buffer): string => {
  try {
    return UTF8.decode(bytes)
  } catch {
    throw malformedForm('The form is not in UTF-8. Serve its page with charset=utf-8.')
  }
}

const DISPOSITION = /^content-disposition:[ \t]*form-data[ \t]*(?=;)(.*)$/is
const PARAMETER = /;[ \t]*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;\s"]*))/gs
const ESCAPED = /\\(["\\])/g

const parametersOf = (disposition: string): ReadonlyMap<string, string> =>
  new Map(
    [...disposition.matchAll(PARAMETER)].map(([, name = '', quoted, token = '']) => [
      name.toLowerCase(),
      quoted?.replace(ESCAPED, '$1') ?? token,
    ]),
  )

/**
 * Reads the header lines of a part. Only Content-Disposition counts: a file's Content-Type is a field of its own.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 *
 * @throws {S3Error} `MalformedPOSTRequest`
 */
export const parsePartHead = (bytes: Buffer): PartHead => {
  const lines = decodeText(bytes).split('\r\n')
  const [disposition, another] = lines.flatMap(line => DISPOSITION.exec(line)?.[1] ?? [])
  if (disposition === undefined || another !== undefined || lines.includes('')) {
    throw malformedForm()
  }
  const parameters = parametersOf(disposition)
  const name = parameters.get('name')?.toLowerCase()
  if (!name) throw malformedForm()
  return { name, filename: (parameters.get('filename') ?? '').replace(/^.*[/\\]/s, '') }
}
