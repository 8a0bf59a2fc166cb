import { derive } from '../../keys/providers/document.ts'
import { duration } from './values.ts'

export const deriving = derive
  .describe(
    'What shares one customer key: all objects of a version (`none`: the key in the vault is the customer key), those of a bucket, or none (`object`). For versions that do not say it themselves.',
  )
  .default('none')

/** Of what is fetched over and over. */
export const refreshing = {
  ttl: duration
    .describe(
      'Within which the keys are fetched anew. A version younger than that reads only, since another replica may not have it yet.',
    )
    .prefault('5m'),
  grace: duration
    .describe(
      'How long beyond that the keys serve on while they cannot be fetched. After it, requests that need them are refused (503) until they can.',
    )
    .prefault('12h'),
  derive: deriving,
}
