import { createHash } from 'node:crypto'
import { percentDecode, uriEncode } from '../s3/encoding.ts'
import { withHeaders } from '../s3/headers.ts'
import type { S3Response } from '../s3/response.ts'
import { elementText, escapeXml } from '../s3/xml.ts'
import type { EnforcedRequest } from '../ssec/enforce.ts'
import { type Step, stepAtDestination, stepAtSource } from '../ssec/step.ts'
import { type CopyRooms, demand, readText, StepRefused, take, versionQuery } from './rooms.ts'
import { sourceOwner } from './source.ts'
import { requesterHeaders } from './written-headers.ts'

/** The tags of a Tagging document as `x-amz-tagging` carries them: as a query. */
export const taggingHeader = (xml: string): string =>
  [...xml.matchAll(/<Tag>[\s\S]*?<\/Tag>/g)]
    .map(([tag]) => ['Key', 'Value'].map(name => uriEncode(elementText(tag, name) ?? '')).join('='))
    .join('&')

/** The other way round. */
export const taggingXml = (header: string): string => {
  const tags = header
    .split('&')
    .map(tag => tag.split('=').map(text => escapeXml(percentDecode(text.replaceAll('+', ' ')))))
    .map(([key = '', value = '']) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`)
  return `<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>${tags.join('')}</TagSet></Tagging>`
}

const TAGGING = { name: 'tagging', value: '' }

/**
 * The tags of a copy's source as `x-amz-tagging` carries them; empty when it has none.
 *
 * @throws {StepRefused} when they may not be read: S3 does not copy a tagged object without its tags either
 */
export const readTags = (copy: EnforcedRequest, rooms: CopyRooms): Promise<string> => {
  const headers = sourceOwner(copy)
  const step: Step = { operation: 'GetObjectTagging', query: [TAGGING], headers }
  return tagsOf(rooms, stepAtSource(copy, step))
}

/** What providers without tags answer, and older ones when an object has none. */
const NO_TAGS: readonly number[] = [404, 405, 501]

const tagsOf = async (rooms: CopyRooms, step: EnforcedRequest): Promise<string> => {
  const taken = await take(rooms, step)
  if (NO_TAGS.includes(taken.answer.status)) return ''
  if (taken.answer.status >= 300) throw new StepRefused(taken)
  return taggingHeader(await readText(taken.answer))
}

const md5Of = (bytes: Buffer): string => createHash('md5').update(bytes).digest('base64')

/**
 * Gives what an upload made the tags that its creation was told: RGW 16 takes no notice of them there.
 *
 * @param written the answer that tells its version
 * @param tagging as `x-amz-tagging` carries them
 * @throws {StepRefused}
 */
export const keepTags = async (
  copy: EnforcedRequest,
  rooms: CopyRooms,
  written: S3Response,
  tagging: string,
): Promise<void> => {
  if (tagging === '') return
  const query = [TAGGING, ...versionQuery(written)]
  const headers = requesterHeaders(copy)
  const read: Step = { operation: 'GetObjectTagging', query, headers }
  if ((await tagsOf(rooms, stepAtDestination(copy, read, rooms.profile))) !== '') return
  const bytes = Buffer.from(taggingXml(tagging))
  const write: Step = {
    operation: 'PutObjectTagging',
    query,
    // S3 demands a digest of this document.
    headers: withHeaders(headers, [['content-md5', md5Of(bytes)]]),
    body: { kind: 'bytes', bytes, trailer: undefined },
  }
  await demand(rooms, stepAtDestination(copy, write, rooms.profile))
}
