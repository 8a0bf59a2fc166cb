import type { ObjectPlace } from '../s3/address.ts'
import { percentDecode } from '../s3/encoding.ts'
import { elementText } from '../s3/xml.ts'
import { type Asker, refusalText } from '../walk/asker.ts'

/** A version, or a delete marker, in a listing: the newest of an object comes first. */
const ENTRY = /<(Version|DeleteMarker)>([\s\S]*?)<\/\1>/g

/** More than others write to one object in the moment of a rewrite. */
const LOOK = '100'

/** Ids of the newest versions of an object. */
const versionsOf = async (asker: Asker, { bucket, objectKey }: ObjectPlace) => {
  const answer = await asker.ask({
    method: 'GET',
    address: { level: 'bucket', bucket },
    query: [
      { name: 'versions', value: '' },
      { name: 'encoding-type', value: 'url' },
      { name: 'prefix', value: objectKey },
      { name: 'max-keys', value: LOOK },
    ],
  })
  if (answer.status !== 200 || !Buffer.isBuffer(answer.body)) return refusalText(answer)
  const entries = [...answer.body.toString('utf8').matchAll(ENTRY)].map(([, , xml = '']) => xml)
  return entries
    .filter(
      xml => percentDecode((elementText(xml, 'Key') ?? '').replaceAll('+', '%20')) === objectKey,
    )
    .map(xml => elementText(xml, 'VersionId'))
}

/**
 * Whether somebody wrote, or deleted, an object between the version that was seen and the one that replaced it: where the
 * provider does not hold that off, versions tell it afterwards. The replacement is then taken back, so that what they did
 * is current again.
 *
 * @returns true when it was taken back; a text when neither could be found out nor done
 */
export const takeBackOvertaken = async (
  asker: Asker,
  place: ObjectPlace,
  seen: string,
  own: string,
): Promise<boolean | string> => {
  const versions = await versionsOf(asker, place)
  if (typeof versions === 'string') return `its versions could not be listed: ${versions}`
  const at = versions.indexOf(own)
  if (at < 0) return 'the version that was written is not listed'
  if (versions[at + 1] === seen) return false
  const answer = await asker.ask({
    method: 'DELETE',
    address: { level: 'object', ...place },
    query: [{ name: 'versionId', value: own }],
  })
  return answer.status < 300 || `others were overwritten: ${refusalText(answer)}`
}
