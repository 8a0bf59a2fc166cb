import type { ObjectPlace } from '../s3/address.ts'
import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import { elementText } from '../s3/xml.ts'
import { type Asker, refusalText } from '../walk/asker.ts'

const PERMISSIONS: Readonly<Record<string, string>> = {
  FULL_CONTROL: 'x-amz-grant-full-control',
  READ: 'x-amz-grant-read',
  READ_ACP: 'x-amz-grant-read-acp',
  WRITE_ACP: 'x-amz-grant-write-acp',
}

/**
 * An object's ACL as the headers of a write say it: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
 */
export const grantHeaders = (acl: string): Headers => {
  const headers = new Map<string, string>()
  for (const [grant] of acl.matchAll(/<Grant>[\s\S]*?<\/Grant>/g)) {
    const name = PERMISSIONS[elementText(grant, 'Permission') ?? '']
    const id = elementText(grant, 'ID')
    const uri = elementText(grant, 'URI')
    const grantee = uri === undefined ? id && `id="${id}"` : `uri="${uri}"`
    if (name === undefined || grantee === undefined) continue
    const before = headers.get(name)
    headers.set(name, before === undefined ? grantee : `${before}, ${grantee}`)
  }
  return headers
}

/** @throws {S3Error} `AccessDenied` when the ACL may not be read: without that, it cannot be kept */
export const grantsOf = async (asker: Asker, place: ObjectPlace): Promise<Headers> => {
  const answer = await asker.ask({
    method: 'GET',
    address: { level: 'object', ...place },
    query: [{ name: 'acl', value: '' }],
  })
  if (answer.status === 200 && Buffer.isBuffer(answer.body)) {
    return grantHeaders(answer.body.toString('utf8'))
  }
  throw new S3Error('AccessDenied', `its ACL could not be read: ${refusalText(answer)}`)
}
