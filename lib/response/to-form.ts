import type { Form } from '../form/form.ts'
import { uriEncode, uriEncodeKey } from '../s3/encoding.ts'
import { type Headers, withHeaders, withoutHeaders } from '../s3/headers.ts'
import type { S3Response } from '../s3/response.ts'
import { escapeXml } from '../s3/xml.ts'
import { readDocument, withDocument } from './document.ts'

/** A PutObject's answer has no body to speak of. */
const IGNORED_BYTES = 64 * 1024

/**
 * Answers a form as its `success_action_*` fields ask, out of the answer to the PutObject that it came to. Errors stay
 * what they are.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 */
export const toForm = async (answer: S3Response, form: Form): Promise<S3Response> => {
  if (answer.status !== 200) return answer
  if (answer.body !== undefined && !Buffer.isBuffer(answer.body)) {
    await readDocument(answer.body, IGNORED_BYTES)
  }
  const headers = withoutHeaders(answer.headers, name => name.startsWith('content-'))
  const redirect = redirectOf(form, headers)
  if (redirect !== undefined) return empty(303, withHeaders(headers, [['location', redirect]]))
  const location = locationOf(form)
  return withStatus(form, location, withHeaders(headers, [['location', location]]))
}

const empty = (status: number, headers: Headers): S3Response => ({
  status,
  // A 204 has no length: RFC 9110 §8.6.
  headers: status === 204 ? headers : withHeaders(headers, [['content-length', '0']]),
  body: undefined,
})

const withStatus = (form: Form, location: string, headers: Headers): S3Response => {
  switch (form.fields.get('success_action_status')) {
    case '200':
      return empty(200, headers)
    case '201':
      return withDocument(
        {
          status: 201,
          headers: withHeaders(headers, [['content-type', 'application/xml']]),
          body: undefined,
        },
        Buffer.from(postResponse(form, location, headers)),
      )
    default:
      return empty(204, headers)
  }
}

const objectKeyOf = ({ fields }: Form): string => fields.get('key') ?? ''

const etagIn = (headers: Headers): string => headers.get('etag') ?? ''

/** Where the object is for this client: below the place that the form was sent to. */
const locationOf = (form: Form): string => {
  const { headers, peer, rawPath } = form.request
  const origin = `${peer.tls ? 'https' : 'http'}://${headers.get('host') ?? ''}`
  return `${origin}${rawPath.replace(/\/$/, '')}/${uriEncodeKey(objectKeyOf(form))}`
}

const postResponse = (form: Form, location: string, headers: Headers): string => {
  const elements = [
    ['Location', location],
    ['Bucket', form.bucket],
    ['Key', objectKeyOf(form)],
    ['ETag', etagIn(headers)],
  ].map(([name, text = '']) => `<${name}>${escapeXml(text)}</${name}>`)
  return `<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse>${elements.join('')}</PostResponse>`
}

/** What cannot be read as a URL counts as absent, as in S3. */
const redirectOf = (form: Form, headers: Headers): string | undefined => {
  const text = form.fields.get('success_action_redirect') ?? form.fields.get('redirect') ?? ''
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined
  const added = [
    ['bucket', form.bucket],
    ['key', objectKeyOf(form)],
    ['etag', etagIn(headers)],
  ].map(([name, value = '']) => `${name}=${uriEncode(value)}`)
  url.search = [...(url.search === '' ? [] : [url.search.slice(1)]), ...added].join('&')
  return url.href
}
