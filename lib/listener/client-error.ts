import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { MessageFault } from '../http1/fault.ts'
import { S3Error, type S3ErrorCode } from '../s3/error.ts'
import { errorXml } from '../s3/xml.ts'

const CODES: ReadonlyMap<unknown, S3ErrorCode> = new Map([
  ['HPE_HEADER_OVERFLOW', 'RequestHeaderSectionTooLarge'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'RequestTimeout'],
])

const codeOf = (fault: Error & { code?: unknown }): S3ErrorCode =>
  fault instanceof MessageFault && fault.isOversized
    ? 'RequestHeaderSectionTooLarge'
    : (CODES.get(fault.code) ?? 'BadRequest')

/** Answers what could not be read as a request, and hangs up: where the next one begins is not known. */
export const refuseUnreadable = (fault: Error & { code?: unknown }, socket: Duplex): void => {
  if (!socket.writable || fault.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const { code, status, message } = new S3Error(codeOf(fault))
  const document = errorXml({ code, message, resource: '', requestId: '', details: {} })
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/xml',
    `content-length: ${Buffer.byteLength(document)}`,
    'connection: close',
  ]
  socket.end(`${lines.join('\r\n')}\r\n\r\n${document}`)
}
