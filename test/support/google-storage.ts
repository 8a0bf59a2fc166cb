import { createHmac } from 'node:crypto'
import { Storage } from '@google-cloud/storage'

/** For `queryParams` of a signed URL: the library itself writes the name of the algorithm with an RSA key. */
export const HMAC = { 'X-Goog-Algorithm': 'GOOG4-HMAC-SHA256' }

/** Google's own library, which signs URLs with a service account's RSA key, made to sign them with an HMAC key. */
export const googleStorage = (
  credentials: { readonly accessKeyId: string; readonly secretAccessKey: string },
  apiEndpoint: string,
): Storage => {
  const storage = new Storage({ projectId: 'none', apiEndpoint })
  const sign = async (blob: string): Promise<string> => {
    const [, date = '', scope = '', hash = ''] = blob.split('\n')
    const [day = '', ...rest] = scope.split('/')
    const key = rest.reduce(
      (hmac, text) => createHmac('sha256', hmac).update(text).digest(),
      createHmac('sha256', `GOOG4${credentials.secretAccessKey}`).update(day).digest(),
    )
    const text = ['GOOG4-HMAC-SHA256', date, scope, hash].join('\n')
    return createHmac('sha256', key).update(text).digest('base64')
  }
  const getCredentials = async () => ({ client_email: credentials.accessKeyId })
  Object.assign(storage, { authClient: { sign, getCredentials } })
  return storage
}
