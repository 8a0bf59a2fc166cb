import { percentDecode } from '../s3/encoding.ts'
import { characterData, escapeXml } from '../s3/xml.ts'

/** Inside of each element of those names, in the document's order. */
export const innerOf = (
  xml: string,
  names: readonly string[],
): readonly (readonly [name: string, inner: string])[] =>
  [...xml.matchAll(new RegExp(`<(${names.join('|')})>([\\s\\S]*?)</\\1>`, 'g'))].map(
    ([, name = '', inner = '']) => [name, inner] as const,
  )

/** The text of the first element of that name. */
export const fieldIn = (xml: string, name: string): string | undefined => {
  const match = new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(xml)
  return match?.[1] === undefined ? undefined : characterData(match[1])
}

/** Reads a listing's names: as they are, or escaped as was asked for. RGW and MinIO write a space as `+`, as AWS does. */
export const nameReader = (xml: string): ((text: string) => string) =>
  fieldIn(xml, 'EncodingType') === 'url'
    ? text => percentDecode(text.replaceAll('+', '%20'))
    : text => text

/** An element with text in it. */
export const element = (name: string, text: string): string =>
  `<${name}>${escapeXml(text)}</${name}>`
