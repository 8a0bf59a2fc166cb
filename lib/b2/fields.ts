import { S3Error } from '../s3/error.ts'

/** The fields of a call: of its JSON document, or of its query. */
export type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * @throws {S3Error} `InvalidRequest` for what is no JSON object
 */
export const parseFields = (text: string): Fields => {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text)
    if (isFields(value)) return value
  } catch {
    // Said below, without the parser's words: they quote what was sent.
  }
  throw new S3Error('InvalidRequest', 'The request body is not a JSON object.')
}

/** The fields of a document that a provider sent; none when it is something else. */
export const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {})

export const textOf = (fields: Fields, name: string): string | undefined => {
  const value = fields[name]
  return typeof value === 'string' ? value : undefined
}

/** @throws {S3Error} `InvalidRequest` when there is no such text */
export const needText = (fields: Fields, name: string): string => {
  const value = textOf(fields, name)
  if (value === undefined || value === '') {
    throw new S3Error('InvalidRequest', `required field ${name} is missing`)
  }
  return value
}
