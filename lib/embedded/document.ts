import { group, text } from '../s3/xml-write.ts'
import type { Checksum } from './store/records.ts'

export { document, group, quoted, text } from '../s3/xml-write.ts'

/** There are no accounts, so all is one's. */
export const owner = (name = 'Owner'): string =>
  group(name, text('ID', 'ssec-proxy-embedded'), text('DisplayName', 'ssec-proxy-embedded'))

/** The elements that tell a checksum: first its value. */
export const checksumElements = (checksum: Checksum | undefined): readonly string[] =>
  checksum === undefined
    ? []
    : [text(`Checksum${checksum.algorithm}`, checksum.value), text('ChecksumType', checksum.type)]
