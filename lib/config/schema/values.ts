import { z } from 'zod'

/** A name that the configuration gives to something: it stands in logs, so it is plain. */
export const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
  error: 'must be a name of 1 to 64 letters, digits, dots, hyphens and underscores.',
})

/** A file or folder, relative to the file that names it. */
export const path = z.string().min(1)

/** Name of an environment variable. */
export const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
  error: 'must be the name of an environment variable.',
})

export const host = z.string().regex(/^[A-Za-z0-9.:_-]+$/, {
  error: 'must be a host name or an IP address, without brackets.',
})

/** Scheme, host and port of a URL. */
export const origin = z.string().regex(/^https?:\/\/[A-Za-z0-9.:[\]_-]+$/, {
  error: 'must be scheme and host, such as https://b2.example.com, without a path.',
})

/** Where an engine or an auth method of a vault is mounted. */
export const mount = z.string().regex(/^[^/?#\s][^?#\s]{0,127}$/, {
  error: 'must be a mount of the vault, without a slash before it.',
})

/** A secret of a vault. */
export const vaultPath = z.string().regex(/^[^/?#\s][^?#\s]{0,255}$/, {
  error: 'must be the path of a secret below the mount, without a slash before it.',
})

/** A region, as a signature has it. */
export const region = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, {
  error: 'must be a region such as eu-central-1.',
})

export const port = z.int().min(0).max(65535)

const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
}
const TIME_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

const times = (text: string, units: Readonly<Record<string, number>>): number =>
  Number.parseInt(text, 10) * (units[text.replace(/^\d+/, '')] ?? 1)

const SIZE_FAULT = 'must be a size such as 65536, 64KiB, 8MiB or 1GiB.'
const TIME_FAULT = 'must be a duration with its unit, such as 500ms, 30s, 5m or 1h.'

const sizeText = z
  .union([z.int().min(0), z.string().regex(/^\d{1,12}(B|KiB|MiB|GiB)$/, { error: SIZE_FAULT })], {
    error: SIZE_FAULT,
  })
  .meta({
    id: 'Size',
    description: 'A number of bytes, or a text such as `64KiB`, `8MiB`, `1GiB`.',
  })

/** Bytes, within bounds that are written as sizes, too. */
export const size = (least: string, most: string) =>
  sizeText
    .transform(value => (typeof value === 'number' ? value : times(value, SIZE_UNITS)))
    .refine(bytes => bytes >= times(least, SIZE_UNITS) && bytes <= times(most, SIZE_UNITS), {
      error: `must be from ${least} to ${most}.`,
    })

const LONGEST = 24 * 3_600_000

/** Milliseconds. */
export const duration = z
  .string({ error: TIME_FAULT })
  .regex(/^\d{1,9}(ms|s|m|h)$/, { error: TIME_FAULT })
  .meta({
    id: 'Duration',
    description: 'A text such as `500ms`, `30s`, `5m`, `1h`; at most a day.',
  })
  .transform(text => times(text, TIME_UNITS))
  .refine(ms => ms >= 1 && ms <= LONGEST, { error: 'must be from 1ms to 24h.' })

const isGroup = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** Has a check of a whole group run whatever is wrong with its options, so that one report tells every fault. */
export const always = {
  when: ({ value }: { readonly value: unknown }): boolean => isGroup(value),
}

/** `schema`, of whose options `names` exactly one must be given, whatever else is wrong with it. */
export const exactlyOne = <S extends z.ZodObject>(schema: S, names: readonly string[]): S =>
  schema
    .refine(value => names.filter(each => value[each] !== undefined).length === 1, {
      error: `must have exactly one of ${names.join(', ')}.`,
      ...always,
    })
    .meta({ oneOf: names.map(each => ({ required: [each] })) })
