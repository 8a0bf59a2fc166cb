import { readConfig } from '../config/load.ts'
import { DERIVATIONS, type Derive } from '../keys/derive.ts'
import { rotate } from '../keys/rotate.ts'
import { type Io, toPath, UsageError } from './io.ts'
import { EXIT } from './run.ts'

export interface RotateOptions {
  readonly config: string
  readonly keyring?: string
  readonly derive?: string
}

const deriveOf = (text: string | undefined): Derive | undefined => {
  const derive = DERIVATIONS.find(each => each === text)
  if (derive !== undefined || text === undefined) return derive
  throw new UsageError(`--derive must be one of ${DERIVATIONS.join(', ')}.`)
}

/** The one keyring that is meant. */
export const keyringNameOf = (names: readonly string[], wanted: string | undefined): string => {
  const [only = '', ...others] = names.filter(name => wanted === undefined || name === wanted)
  if (only !== '' && others.length === 0) return only
  throw new UsageError(`Name a keyring with --keyring. There are: ${names.join(', ')}.`)
}

/** The command `keys rotate`: a fresh version on top of a keyring, where its provider keeps it. */
export const rotateKey = async (options: RotateOptions, io: Io): Promise<number> => {
  const derive = deriveOf(options.derive)
  const { config } = await readConfig(toPath(io, options.config), io.env)
  const name = keyringNameOf([...config.keyrings.keys()], options.keyring)
  const source = config.keyrings.get(name)
  if (source === undefined) throw new RangeError(`no keyring ${name}`)
  const id = await rotate(name, source, derive, { env: io.env, now: io.now })
  const when =
    'refresh' in source ? `in ${source.refresh.ttl / 1000} s` : 'within five seconds, or on SIGHUP,'
  io.stdout.write(
    `rotated: ${name}/${id} encrypts ${when} at the proxies that run; versions before it still decrypt.\n` +
      'Back the keyring up now: without this version, what it encrypts can never be read.\n',
  )
  return EXIT.ok
}
