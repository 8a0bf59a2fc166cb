import { uriEncode } from './encoding.ts'
import { elementText } from './xml.ts'

/** The tags of a Tagging document as `x-amz-tagging` carries them. */
export const taggingHeader = (xml: string): string =>
  [...xml.matchAll(/<Tag>[\s\S]*?<\/Tag>/g)]
    .map(([tag]) => ['Key', 'Value'].map(name => uriEncode(elementText(tag, name) ?? '')).join('='))
    .join('&')
