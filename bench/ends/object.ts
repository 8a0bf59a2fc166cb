import { type Pace, STALLING } from './pace.ts'

/**
 * What the upstream does with an object besides serving it: nothing; SHA-256 of its body; or
 * take and give it slowly.
 */
export type Manner = 'plain' | 'hashed' | 'stalling'

/** An object of the bench's upstream: all that it needs to know is in the name. */
export interface NamedObject {
  readonly manner: Manner
  /** Bytes. */
  readonly size: number
}

export const BUCKET = 'bench'

/** The path of the `number`th object of that kind. */
export const objectPath = ({ manner, size }: NamedObject, number: number): string =>
  `/${BUCKET}/${manner}/${size}/${number}`

const MANNERS: readonly Manner[] = ['plain', 'hashed', 'stalling']
const OBJECT_PATH = /^\/bench\/(\w+)\/(\d+)\//

/** Reads what `objectPath` wrote. */
export const parseObjectPath = (path: string): NamedObject | undefined => {
  const match = OBJECT_PATH.exec(path)
  const manner = MANNERS.find(name => name === match?.[1])
  return manner && { manner, size: Number(match?.[2]) }
}

/** The upstream's pace for an object. */
export const paceOf = (manner: Manner): Pace | undefined =>
  manner === 'stalling' ? STALLING : undefined
